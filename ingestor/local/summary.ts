/** What a run came to, for people: a table of resources, then what was refused and where it is. */
import type { LocalResource } from './catalog.ts';
import { textTable } from './text-table.ts';

export function succeeded({ status }: LocalResource): boolean {
  return readyOf(status)?.status === 'True' && !isStalled(status);
}

export function summary(resources: readonly LocalResource[]): string {
  const rows = resources.map((resource) => {
    const { kind, metadata, status } = resource;
    return [
      `${kind}/${metadata.name}`,
      succeeded(resource) ? 'yes' : 'no',
      readyOf(status)?.reason ?? '',
      ...counts(resource),
    ];
  });
  const table = textTable(['RESOURCE', 'GOOD', 'REASON', 'READ', 'INGESTED', 'FAILED', 'SKIPPED'], rows);
  const details = resources.flatMap(refusals);
  return `${[table, ...details].join('\n')}\n`;
}

function counts(resource: LocalResource): string[] {
  if (resource.kind === 'Dataset') {
    const { ingested, failed } = resource.status.records ?? {};
    return cells([undefined, ingested, failed, undefined]);
  }
  const records = resource.status.records ?? {};
  const read = 'received' in records ? records.received : 'read' in records ? records.read : undefined;
  return cells([read, records.ingested, records.failed, records.skipped]);
}

function cells(values: readonly (number | undefined)[]): string[] {
  return values.map((value) => (value === undefined ? '' : String(value)));
}

function refusals(resource: LocalResource): string[] {
  if (resource.kind !== 'Batch' && resource.kind !== 'StreamInlet') return [];
  const { errors = [], diagnostics } = resource.status;
  if (errors.length === 0) return [];
  const rows = errors.map(({ count, code, path, message, sample }) => [
    String(count),
    code,
    path ?? '',
    message,
    sample ? `${sample.file}, record ${sample.record}` : '',
  ]);
  const place = diagnostics?.location === undefined ? '' : `; the records are in ${diagnostics.location}`;
  const title = `\nRefused by ${resource.kind}/${resource.metadata.name}${place}`;
  return [title, textTable(['COUNT', 'CODE', 'PATH', 'MESSAGE', 'FOR INSTANCE'], rows)];
}

function readyOf(status: LocalResource['status']) {
  return status.conditions?.find(({ type }) => type === 'Ready');
}

function isStalled(status: LocalResource['status']): boolean {
  return status.conditions?.some(({ type, status: is }) => type === 'Stalled' && is === 'True') ?? false;
}
