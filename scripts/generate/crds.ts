/** Reads the CRDs, and writes or checks what is generated from them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { type Static, Type } from 'typebox';
import { parse } from 'yaml';

/** The part of OpenAPI that structural schemas of CRDs may use, as far as the generators need it. */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly [keyword: string]: unknown;
}

const CrdFile = Type.Object({
  metadata: Type.Object({ annotations: Type.Record(Type.String(), Type.String()) }),
  spec: Type.Object({
    group: Type.String(),
    names: Type.Object({
      kind: Type.String(),
      plural: Type.String(),
      singular: Type.String(),
      shortNames: Type.Array(Type.String()),
    }),
    versions: Type.Tuple([
      Type.Object({
        name: Type.String(),
        schema: Type.Object({ openAPIV3Schema: Type.Unsafe<Schema>(Type.Record(Type.String(), Type.Unknown())) }),
      }),
    ]),
  }),
});

export interface Crd {
  readonly group: string;
  readonly version: string;
  readonly names: { kind: string; plural: string; singular: string; shortNames: string[] };
  /** Of the annotation `ingest.forebay.dev/crd-version`. */
  readonly crdVersion: string;
  readonly schema: Schema;
}

export const root = new URL('../../', import.meta.url);

/** All CRDs, in the order in which people meet the kinds. */
export function readCrds(): Crd[] {
  const order = ['Dataset', 'Batch', 'StreamInlet', 'SourceConnection'];
  const folder = new URL('crds/', root);
  const crds = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => toCrd(name, parse(readFileSync(new URL(name, folder), 'utf8'))));
  return crds.toSorted((a, b) => order.indexOf(a.names.kind) - order.indexOf(b.names.kind));
}

function toCrd(name: string, document: unknown): Crd {
  const validate = new Ajv({ strict: false }).compile<Static<typeof CrdFile>>(CrdFile);
  if (!validate(document)) throw new Error(`crds/${name}: ${JSON.stringify(validate.errors)}`);
  const { spec, metadata } = document;
  const [version] = spec.versions;
  return {
    group: spec.group,
    version: version.name,
    names: spec.names,
    crdVersion: metadata.annotations['ingest.forebay.dev/crd-version'] ?? '',
    schema: version.schema.openAPIV3Schema,
  };
}

/** Writes the files, or with `--check` exits with 1 and names those that are not what would be written. */
export function writeOrCheck(files: Readonly<Record<string, string>>): void {
  const check = process.argv.includes('--check');
  for (const [path, text] of Object.entries(files)) {
    const url = new URL(path, root);
    if (!check) writeFileSync(url, text);
    else if (readIfThere(url) !== text) {
      console.error(`${path} is not what crds/ give: run make generate`);
      process.exitCode = 1;
    }
  }
}

function readIfThere(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return undefined;
  }
}
