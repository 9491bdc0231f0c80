/** Schemas as XDM has them: a class and its mixins by allOf and $ref, data types, a tenant's namespace, identityMap. */
import { expect, test } from 'vitest';
import { parseExact } from './exact.ts';
import { compileSchema } from './schema.ts';
import { ingestAll } from './testing.ts';

const ns = 'https://ns.example.com';

const dataTypes = {
  identitymap: {
    $id: `${ns}/xdm/context/identitymap`,
    type: 'object',
    properties: {
      identityMap: {
        type: 'object',
        'meta:xdmType': 'map',
        additionalProperties: { type: 'array', items: { $ref: `${ns}/xdm/context/identityitem` } },
      },
    },
  },
  identityitem: {
    $id: `${ns}/xdm/context/identityitem`,
    type: 'object',
    properties: {
      id: { title: 'Identifier', type: 'string', 'meta:xdmType': 'string' },
      authenticatedState: {
        type: 'string',
        default: 'ambiguous',
        enum: ['ambiguous', 'authenticated', 'loggedOut'],
        'meta:enum': { ambiguous: 'Ambiguous', authenticated: 'Authenticated', loggedOut: 'Logged out' },
      },
      primary: { type: 'boolean', default: false },
    },
  },
  money: {
    $id: `${ns}/xdm/data/money`,
    type: 'object',
    required: ['currency'],
    properties: {
      currency: { type: 'string', pattern: '^[A-Z]{3}$' },
      amount: { type: 'number', 'meta:xdmType': 'number', minimum: 0 },
    },
  },
};

const parts = {
  experienceevent: {
    $id: `${ns}/xdm/context/experienceevent`,
    'meta:class': true,
    'meta:abstract': true,
    type: 'object',
    allOf: [{ $ref: `${ns}/xdm/context/identitymap` }, { $ref: '#/definitions/event' }],
    definitions: {
      event: {
        properties: {
          _id: { type: 'string', minLength: 1, 'meta:xdmField': 'xdm:_id' },
          timestamp: { type: 'string', format: 'date-time', 'meta:xdmType': 'date-time' },
          eventType: { type: 'string', 'meta:enum': { view: 'View', purchase: 'Purchase' } },
        },
      },
    },
    required: ['_id', 'timestamp'],
  },
  web: {
    $id: `${ns}/xdm/mixins/web`,
    'meta:intendedToExtend': [`${ns}/xdm/context/experienceevent`],
    type: 'object',
    properties: {
      web: {
        type: 'object',
        properties: {
          webPageDetails: {
            type: 'object',
            properties: {
              URL: { type: 'string', format: 'uri' },
              pageViews: { type: 'integer', 'meta:xdmType': 'int' },
            },
          },
        },
      },
    },
  },
  commerce: {
    $id: `${ns}/xdm/mixins/commerce`,
    type: 'object',
    properties: {
      commerce: {
        type: 'object',
        properties: { order: { allOf: [{ $ref: `${ns}/xdm/data/money` }, { title: 'Order' }] } },
      },
      productListItems: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            SKU: { type: 'string', maxLength: 40 },
            quantity: { type: 'integer', 'meta:xdmType': 'short', minimum: 1 },
            price: { $ref: `${ns}/xdm/data/money` },
          },
        },
      },
    },
  },
  tenant: {
    $id: `${ns}/shop/mixins/loyalty`,
    type: 'object',
    properties: {
      _shop: {
        type: 'object',
        additionalProperties: false,
        properties: {
          loyalty: {
            type: 'object',
            properties: {
              tier: { type: 'string', enum: ['gold', 'silver', 'bronze'] },
              points: { type: 'integer', 'meta:xdmType': 'long' },
              since: { type: 'string', format: 'date', 'meta:xdmType': 'date' },
            },
          },
        },
      },
    },
  },
};

const schema = {
  $id: `${ns}/shop/schemas/event`,
  'meta:resourceType': 'schemas',
  'meta:immutableTags': ['union'],
  'meta:extends': Object.values(parts).map(({ $id }) => $id),
  version: '1.2',
  title: 'Shop event',
  type: 'object',
  allOf: Object.values(parts).map(({ $id }) => ({ $ref: $id })),
};
const draft06 = {
  $schema: 'http://json-schema.org/draft-06/schema#',
  ...schema,
  definitions: { ...parts, ...dataTypes },
};
/** Newer drafts can close what allOf is made of. */
const closed = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  ...schema,
  $defs: { ...parts, ...dataTypes },
  unevaluatedProperties: false,
};

const full = {
  _id: 'e-1',
  timestamp: '2026-05-06T07:08:09.123Z',
  eventType: 'purchase',
  identityMap: {
    ECID: [{ id: '123', authenticatedState: 'ambiguous', primary: true }],
    Email: [{ id: 'a@example.com' }, { id: 'b@example.com', primary: false }],
  },
  web: { webPageDetails: { URL: 'https://example.com/a?b#c', pageViews: 1 } },
  commerce: { order: { currency: 'EUR', amount: 12.5 } },
  productListItems: [
    { SKU: 'A-1', quantity: 2, price: { currency: 'EUR', amount: 5 } },
    { SKU: 'B-2', quantity: 1 },
  ],
  _shop: { loyalty: { tier: 'gold', points: 9007199254740993n, since: '2020-02-29' } },
};
const lines = [
  full,
  { _id: 'e-2', timestamp: '2026-05-06T07:08:09+02:00' },
  { timestamp: '2026-05-06T07:08:10Z', _id: 'é', _shop: {}, productListItems: [], identityMap: {} },
].map(toLine);
const bad: readonly (readonly [object, string])[] = [
  [{ timestamp: '2026-05-06T07:08:09Z' }, 'RequiredMissing /_id'],
  [{ ...full, timestamp: '2026-05-06' }, 'FormatMismatch /timestamp'],
  [
    { ...full, identityMap: { ECID: [{ authenticatedState: 'maybe' }] } },
    'NotInEnum /identityMap/ECID/0/authenticatedState',
  ],
  [{ ...full, web: { webPageDetails: { URL: 'a b' } } }, 'FormatMismatch /web/webPageDetails/URL'],
  [{ ...full, productListItems: [{ quantity: 40_000 }] }, 'OutOfRange /productListItems/0/quantity'],
  [{ ...full, commerce: { order: { amount: 1 } } }, 'RequiredMissing /commerce/order/currency'],
  [{ ...full, commerce: { order: { currency: 'eur' } } }, 'PatternMismatch /commerce/order/currency'],
  [{ ...full, _shop: { loyalty: {}, unknown: 1 } }, 'UnknownField /_shop/unknown'],
];

function toLine(record: object): string {
  return JSON.stringify(record, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value)).replace(
    /"(\d+)n"/,
    '$1',
  );
}

test.each([
  ['draft-06', draft06],
  ['2020-12, closed', closed],
])('%s: mixins, data types and maps are columns, and the kernel takes the records', async (_name, document) => {
  const { output, rows } = await ingestAll(document, [`${lines.join('\n')}\n`]);
  expect(output.records).toEqual({ read: 3, ingested: 3, failed: 0, skipped: 0, warnings: 0 });
  expect(output.walked).toBe(3);
  expect(rows[0]).toEqual({
    ...full,
    timestamp: expect.anything(),
    identityMap: expect.anything(),
    _shop: expect.anything(),
    productListItems: expect.anything(),
  });
});

test.each([
  ['draft-06', draft06],
  ['2020-12, closed', closed],
])('%s: what breaks a class, a data type or a namespace is refused', async (_name, document) => {
  const { output, rejects } = await ingestAll(document, [`${bad.map(([record]) => toLine(record)).join('\n')}\n`]);
  expect(output.records.failed).toBe(bad.length);
  expect(rejects.map(({ errors }) => errors.map(({ code, path }) => `${code} ${path}`))).toEqual(
    bad.map(([, error]) => [error]),
  );
});

test('a field that no mixin has is a warning, or refused where the schema is closed', async () => {
  const line = toLine({ ...full, other: 1 });
  expect((await ingestAll(draft06, [line])).output.records).toMatchObject({ ingested: 1, warnings: 1 });
  const { output, rejects } = await ingestAll(closed, [line]);
  expect(output.records.failed).toBe(1);
  expect(rejects[0]?.errors).toMatchObject([{ code: 'UnknownField', path: '/other' }]);
});

test('columns are of the types that XDM says', () => {
  const { columns } = compileSchema(JSON.stringify(draft06), 'TimeSeries');
  const types = (of: typeof columns): string[] =>
    of.flatMap(({ name, type, children }) => [`${name}:${type}`, ...types(children)]);
  expect(types(columns)).toEqual([
    ...['identityMap:map', 'key:string', 'value:list', 'element:struct'],
    ...['id:string', 'authenticatedState:string', 'primary:boolean'],
    ...['_id:string', 'timestamp:timestamptz', 'eventType:string'],
    ...['web:struct', 'webPageDetails:struct', 'URL:string', 'pageViews:int'],
    ...['commerce:struct', 'order:struct', 'currency:string', 'amount:double'],
    ...['productListItems:list', 'element:struct', 'SKU:string', 'quantity:int'],
    ...['price:struct', 'currency:string', 'amount:double'],
    ...['_shop:struct', 'loyalty:struct', 'tier:string', 'points:long', 'since:date'],
  ]);
  const { check } = compileSchema(JSON.stringify(closed), 'TimeSeries');
  expect(check(parseExact(lines[0] ?? ''))).toEqual([]);
});
