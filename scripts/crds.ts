/** Reads the CRDs for what is generated from them. */
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { type Static, Type } from 'typebox';
import { parse } from 'yaml';
import type { StructuralSchema as Schema } from '../operator/api/validation/schema.ts';

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

/** All CRDs, in the order in which people meet the kinds. */
export function readCrds(): Crd[] {
  const order = ['Dataset', 'Batch', 'StreamInlet', 'SourceConnection'];
  const folder = new URL('../crds/', import.meta.url);
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
