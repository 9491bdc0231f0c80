/**
 * Checks a value against a schema of this folder. Our documents need a small part of JSON Schema and are read by
 * processes that live for a second: compiling a validator for each took longer than reading all of them.
 */

/** The part of JSON Schema that `Type.*` of our documents gives. */
export interface DocumentSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly DocumentSchema[];
  readonly properties?: Readonly<Record<string, DocumentSchema>>;
  readonly required?: readonly string[];
  /** Of a record: one pattern that every name fits. */
  readonly patternProperties?: Readonly<Record<string, DocumentSchema>>;
  readonly items?: DocumentSchema;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** What is wrong, and where: `path` is a JSON pointer, empty for the value itself. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** The first problem found; undefined when the value fits. Members that the schema does not name are let through. */
export function findProblem(schema: DocumentSchema, value: unknown, path = ''): Problem | undefined {
  if (schema.anyOf !== undefined) return findInChoice(schema.anyOf, value, path);
  if ('const' in schema) {
    return value === schema.const ? undefined : { path, message: `must be ${JSON.stringify(schema.const)}` };
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return { path, message: `must be one of ${JSON.stringify(schema.enum)}` };
  }
  if (schema.type !== undefined && !hasType(schema.type, value))
    return { path, message: `must be of type ${schema.type}` };
  if (typeof value === 'string') return findInText(schema, value, path);
  if (typeof value === 'number') return findInNumber(schema, value, path);
  if (Array.isArray(value)) return findInList(schema, value, path);
  if (isObject(value)) return findInObject(schema, value, path);
  return undefined;
}

function hasType(type: string, value: unknown): boolean {
  if (type === 'object') return isObject(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'null') return value === null;
  return typeof value === type;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of all members the one that fits farthest is the one that was meant. */
function findInChoice(members: readonly DocumentSchema[], value: unknown, path: string): Problem | undefined {
  let farthest: Problem | undefined;
  for (const member of members) {
    const problem = findProblem(member, value, path);
    if (problem === undefined) return undefined;
    if (farthest === undefined || depth(problem) > depth(farthest)) farthest = problem;
  }
  return farthest;
}

function depth({ path }: Problem): number {
  return path.split('/').length;
}

function findInText({ minLength = 0, pattern }: DocumentSchema, text: string, path: string): Problem | undefined {
  if (text.length < minLength) return { path, message: `must have at least ${minLength} characters` };
  if (pattern === undefined || new RegExp(pattern, 'u').test(text)) return undefined;
  return { path, message: `must match ${pattern}` };
}

function findInNumber({ minimum, maximum }: DocumentSchema, value: number, path: string): Problem | undefined {
  if (minimum !== undefined && value < minimum) return { path, message: `must be at least ${minimum}` };
  if (maximum !== undefined && value > maximum) return { path, message: `must be at most ${maximum}` };
  return undefined;
}

function findInList(schema: DocumentSchema, list: readonly unknown[], path: string): Problem | undefined {
  const { items, minItems = 0 } = schema;
  if (list.length < minItems) return { path, message: `must have at least ${minItems} items` };
  if (items === undefined) return undefined;
  for (const [index, item] of list.entries()) {
    const problem = findProblem(items, item, `${path}/${index}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findInObject(
  { properties = {}, required = [], patternProperties }: DocumentSchema,
  object: Readonly<Record<string, unknown>>,
  path: string,
): Problem | undefined {
  // What kind of object it is comes first: what else is wrong with one of another kind says nothing.
  for (const [name, schema] of Object.entries(properties)) {
    const isOther = 'const' in schema && object[name] !== undefined && object[name] !== schema.const;
    if (isOther) return findProblem(schema, object[name], `${path}/${pointerPart(name)}`);
  }
  const missing = required.find((name) => object[name] === undefined);
  if (missing !== undefined) return { path: `${path}/${pointerPart(missing)}`, message: 'is missing' };
  const ofRecord = Object.values(patternProperties ?? {})[0];
  for (const [name, value] of Object.entries(object)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : ofRecord;
    if (schema === undefined || value === undefined) continue;
    const problem = findProblem(schema, value, `${path}/${pointerPart(name)}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
