/** Generates docs/api/: a page of fields for each kind, from the CRDs. `node scripts/generate/api.ts [--check]` */
import type { StructuralSchema } from '../../operator/api/validation/schema.ts';
import { type Crd, readCrds } from '../crds.ts';
import { emit } from './emit.ts';

const generated = '<!-- Generated from crds/ by scripts/generate/api.ts; do not edit. -->';

for (const [name, text] of pages(readCrds())) await emit(`docs/api/${name}.md`, text);

function pages(crds: readonly Crd[]): [string, string][] {
  const podTemplate = crds[0]?.schema.properties?.spec?.properties?.podTemplate;
  if (!podTemplate) throw new Error('there is no podTemplate');
  return [
    ...crds.map((crd): [string, string] => [crd.names.singular, kindPage(crd)]),
    ['podtemplate', podTemplatePage(podTemplate)],
  ];
}

function kindPage({ names, group, version, schema }: Crd): string {
  const { spec, status } = schema.properties ?? {};
  if (!spec || !status) throw new Error(`${names.kind} has no spec or status`);
  return [
    generated,
    `# Fields of ${names.kind}`,
    markdown(schema.description),
    `\`apiVersion: ${group}/${version}\`, \`kind: ${names.kind}\`; for kubectl \`${names.plural}\`, \`${names.singular}\`, \`${names.shortNames.join('`, `')}\`. How to work with it: [${names.kind}](../${names.singular}.md).`,
    '## spec',
    table(spec, 'spec'),
    '## Rules',
    rules(schema),
    '## status',
    table(status, 'status'),
  ]
    .join('\n\n')
    .concat('\n');
}

function podTemplatePage(schema: StructuralSchema): string {
  return [
    generated,
    '# Fields of podTemplate',
    "A subset of Kubernetes' PodTemplateSpec. The Dataset's is the base of every pod that works on it; Batch, StreamInlet and SourceConnection override it field by field.",
    table(schema, 'podTemplate'),
  ]
    .join('\n\n')
    .concat('\n');
}

function table(schema: StructuralSchema, path: string): string {
  return ['| Field | Type | Default | Description |', '| --- | --- | --- | --- |', ...rows(schema, path)].join('\n');
}

function rows(schema: StructuralSchema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const place = `${path}.${key}`;
    const start = schema.required?.includes(key) ? 'required' : defaultText(property);
    const row = `| \`${place}\` | ${typeText(property)} | ${start} | ${describe(key, property)} |`;
    // Of the same shape everywhere, and long: it has a page of its own.
    if (key === 'podTemplate') return [row];
    return [row, ...rows(property, place), ...(property.items ? rows(property.items, `${place}[]`) : [])];
  });
}

function describe(key: string, schema: StructuralSchema): string {
  const text = markdown(schema.description);
  return key === 'podTemplate' ? `${text} [Fields](podtemplate.md).` : text;
}

/** `default: {}` is there for the defaults within, which have rows of their own. */
function defaultText({ default: value, type }: StructuralSchema): string {
  if (value === undefined || (type === 'object' && JSON.stringify(value) === '{}')) return '';
  return `\`${cell(JSON.stringify(value))}\``;
}

function typeText(schema: StructuralSchema): string {
  if (schema['x-kubernetes-int-or-string']) return 'integer or string';
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array')
    return `list of ${plural(schema.items)}${limits(schema.minItems, schema.maxItems, ' entries')}`;
  if (schema.additionalProperties)
    return `map of ${plural(schema.additionalProperties)}${limits(undefined, schema.maxProperties, ' entries')}`;
  if (schema.type === 'integer') return `integer${limits(schema.minimum, schema.maximum, '')}`;
  if (schema.format === 'date-time') return 'time';
  if (schema.type === 'string')
    return `string${limits(undefined, schema.maxLength, schema.maxLength === 1 ? ' character' : ' characters')}`;
  return schema.type ?? 'any';
}

function plural(schema: StructuralSchema | undefined): string {
  return schema?.['x-kubernetes-int-or-string'] ? 'quantities' : `${schema?.type ?? 'value'}s`;
}

function limits(least: number | undefined, most: number | undefined, unit: string): string {
  if (most === undefined) return least === undefined ? '' : `, at least ${least}${unit}`;
  return least === undefined ? `, at most ${most}${unit}` : `, ${least} to ${most}${unit}`;
}

function rules(schema: StructuralSchema): string {
  const lines: string[] = [];
  const visit = (child: StructuralSchema, path: string): void => {
    for (const { message } of child['x-kubernetes-validations'] ?? [])
      lines.push(`- ${path === '' ? '' : `\`${path}\`: `}${markdown(message)}`);
    for (const [key, property] of Object.entries(child.properties ?? {}))
      visit(property, path === '' ? key : `${path}.${key}`);
  };
  visit(schema, '');
  return ['The API server refuses what breaks one of these, with this message:', '', ...lines].join('\n');
}

/** Descriptions are plain text but for `code`: what Markdown would read as markup is escaped. */
function markdown(text = ''): string {
  const parts = text.replaceAll(/\s+/g, ' ').split('`');
  return cell(parts.map((part, index) => (index % 2 === 0 ? part.replaceAll(/[*_<[\]\\]/g, '\\$&') : part)).join('`'));
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
