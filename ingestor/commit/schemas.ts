/** Bodies of schemas, by the digest of their text: what a plan names is found here, never in a mounted copy. */
import { Type } from 'typebox';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import { readDocument } from './decide.ts';
import { schemaKey, sha256 } from './names.ts';

const SchemaDocument = Type.Object({ version: Type.Literal(1), schema: Type.String() });

export function schemaDigest(schema: string): string {
  return sha256(schema);
}

/** Keeps the text and answers its digest. Equal texts have one body, so it does not matter who writes it. */
export async function saveSchema(store: Store, schema: string, waiting: Waiting): Promise<string> {
  const digest = schemaDigest(schema);
  const body = JSON.stringify({ version: 1, schema });
  await untilClear(() => store.putIfAbsent(schemaKey(digest), body, { signal: waiting.signal }), waiting);
  return digest;
}

/** The text of a schema by its digest. Throws DamagedDocument when it is not there or was changed. */
export async function loadSchema(store: Store, digest: string, waiting: Waiting): Promise<string> {
  const key = schemaKey(digest);
  const document = await readDocument(store, key, SchemaDocument, waiting);
  if (document === undefined) throw new ForebayError('DamagedDocument', `${store.url}/${key} is gone`);
  if (schemaDigest(document.schema) !== digest) {
    throw new ForebayError('DamagedDocument', `${store.url}/${key} is not the text of its digest`);
  }
  return document.schema;
}
