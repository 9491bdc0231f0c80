/** Where the references of a schema document lead: pointers, anchors, and the names of schemas that stand in it. */
import { isObject, type JsonObject, type Located, splitPointer, subschemas } from './schemadocument.ts';

/** The base of a document without a name: what relative names are relative to. */
const nameless = 'schema:/';

export class References {
  /** For each schema, the name of the resource that it is part of. */
  readonly #bases = new Map<unknown, string>();
  /** By URI: of resources, and of anchors in them (`...#anchor`). */
  readonly #named = new Map<string, Located>();

  constructor(root: JsonObject) {
    this.#enter({ schema: root, pointer: '' }, nameless);
  }

  /** What `$ref` of this schema means, undefined where it is not in the document, or stands where no schema should. */
  follow(schema: JsonObject, reference: string): Located | undefined {
    const base = this.#bases.get(schema);
    const uri = base === undefined ? undefined : resolve(reference, base);
    if (uri === undefined) return undefined;
    const [name = '', fragment = ''] = uri.split('#', 2);
    if (fragment !== '' && !fragment.startsWith('/')) return this.#named.get(`${name}#${decode(fragment)}`);
    const resource = this.#named.get(name);
    return resource && followPointer(resource, decode(fragment));
  }

  #enter(located: Located, outer: string): void {
    const { schema } = located;
    if (!isObject(schema)) return;
    const { $id: id, $anchor, $dynamicAnchor } = schema;
    const anchored = typeof id === 'string' && id.startsWith('#');
    const base = typeof id === 'string' && !anchored ? (resolve(id, outer)?.replace(/#$/, '') ?? outer) : outer;
    this.#bases.set(schema, base);
    if (located.pointer === '' || base !== outer) this.#named.set(base, located);
    for (const anchor of [$anchor, $dynamicAnchor, anchored ? id.slice(1) : undefined]) {
      if (typeof anchor === 'string') this.#named.set(`${base}#${anchor}`, located);
    }
    for (const child of subschemas(located)) this.#enter(child, base);
  }
}

function resolve(reference: string, base: string): string | undefined {
  return URL.canParse(reference, base) ? new URL(reference, base).href : undefined;
}

function followPointer({ schema, pointer }: Located, path: string): Located | undefined {
  let at = schema;
  for (const name of splitPointer(path)) {
    if (Array.isArray(at)) at = at[Number(name)];
    else if (isObject(at) && Object.hasOwn(at, name)) at = at[name];
    else return undefined;
  }
  return at === undefined ? undefined : { schema: at, pointer: pointer + path };
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
