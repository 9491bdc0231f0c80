/** The main case: 25 columns of CSV that a mapping moves into structs, and JSON lines of 27 leaves with a map and a list. */
import type { Chance } from '../../../test/support/chance.ts';
import { channels, type Defect, devices, type Event, eventMaker, eventTypes, tiers } from './event.ts';
import { type BenchInput, csvField, type MadeRecord } from './input.ts';

const string = { type: 'string' };
const closed = (properties: object, ...required: string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const id = { type: 'string', minLength: 1, maxLength: 64 };
const timestamp = { type: 'string', format: 'date-time' };
const eventType = { type: 'string', enum: eventTypes };
const channel = { type: 'string', enum: channels };
const url = { type: 'string', minLength: 1, maxLength: 2048 };
const email = { type: 'string', pattern: '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$' };
const orderFields = {
  id: { type: 'string', pattern: '^ORD-[0-9a-f]+$' },
  currency: { type: 'string', pattern: '^[A-Z]{3}$' },
  total: { type: 'number', minimum: 0 },
};
const order = closed(orderFields, 'id');
const quantity = { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 };
const place = closed({
  country: { type: 'string', pattern: '^[A-Z]{2}$' },
  city: string,
  latitude: { type: 'number', minimum: -90, maximum: 90 },
  longitude: { type: 'number', minimum: -180, maximum: 180 },
});
const device = closed({ type: { type: 'string', enum: devices } });
const loyalty = closed({ tier: { type: 'string', enum: tiers }, points: { type: 'integer', minimum: 0 } });

const flatSchema = closed(
  {
    _id: id,
    timestamp,
    eventType,
    channel,
    identity: closed({ visitor: { type: 'string', minLength: 1 }, email, customer: string }, 'visitor'),
    web: closed(
      {
        page: closed({ url, name: string, home: { type: 'boolean' }, views: { type: 'number', minimum: 0 } }, 'url'),
        referrer: closed({ url: string }),
      },
      'page',
    ),
    commerce: closed({ order }),
    product: closed({ sku: string, name: string, quantity }),
    place,
    device,
    loyalty,
  },
  '_id',
  'timestamp',
  'eventType',
  'identity',
  'web',
);

/** Each column of the file, the type that DuckDB reads it as, and where it goes; `channel` stays where it is. */
const columns: readonly (readonly [name: keyof Event, type: string, destination: string])[] = [
  ['id', 'VARCHAR', '_id'],
  ['time', 'TIMESTAMP', 'timestamp'],
  ['type', 'VARCHAR', 'eventType'],
  ['channel', 'VARCHAR', 'channel'],
  ['visitor', 'VARCHAR', 'identity.visitor'],
  ['email', 'VARCHAR', 'identity.email'],
  ['customer', 'VARCHAR', 'identity.customer'],
  ['url', 'VARCHAR', 'web.page.url'],
  ['page', 'VARCHAR', 'web.page.name'],
  ['home', 'BOOLEAN', 'web.page.home'],
  ['views', 'DOUBLE', 'web.page.views'],
  ['referrer', 'VARCHAR', 'web.referrer.url'],
  ['order', 'VARCHAR', 'commerce.order.id'],
  ['currency', 'VARCHAR', 'commerce.order.currency'],
  ['total', 'DOUBLE', 'commerce.order.total'],
  ['sku', 'VARCHAR', 'product.sku'],
  ['product', 'VARCHAR', 'product.name'],
  ['quantity', 'INTEGER', 'product.quantity'],
  ['country', 'VARCHAR', 'place.country'],
  ['city', 'VARCHAR', 'place.city'],
  ['latitude', 'DOUBLE', 'place.latitude'],
  ['longitude', 'DOUBLE', 'place.longitude'],
  ['device', 'VARCHAR', 'device.type'],
  ['tier', 'VARCHAR', 'loyalty.tier'],
  ['points', 'BIGINT', 'loyalty.points'],
];

const duckdbFlatSelect = `id AS _id, "time"::TIMESTAMPTZ AS "timestamp", "type" AS eventType, channel,
  {visitor: visitor, email: email, customer: customer} AS "identity",
  {page: {url: url, name: page, home: home, views: views}, referrer: {url: referrer}} AS web,
  {"order": {id: "order", currency: currency, total: total}} AS commerce,
  {sku: sku, name: product, quantity: quantity} AS product,
  {country: country, city: city, latitude: latitude, longitude: longitude} AS place,
  {"type": device} AS device,
  {tier: tier, points: points} AS loyalty`;

export function eventsCsv(name: string, badShare: number): BenchInput {
  return {
    name,
    format: 'CSV',
    schema: flatSchema,
    mapping: columns
      .filter(([source, , destination]) => source !== destination)
      .map(([source, , destination]) => ({ source, destination })),
    head: `${columns.map(([column]) => column).join(',')}\n`,
    records(chance) {
      const next = eventMaker(chance, badShare);
      return () => {
        const { event, defect } = next();
        return { text: csvLine(event, defect, chance), bad: defect !== undefined };
      };
    },
    duckdbColumns: Object.fromEntries(columns.map(([column, type]) => [column, type])),
    duckdbSelect: duckdbFlatSelect,
    key: '_id',
  };
}

function csvLine(event: Event, defect: Defect | undefined, chance: Chance): string {
  const fields = columns.map(([name]) => csvField(event[name]));
  if (defect !== 'broken') return `${fields.join(',')}\n`;
  return chance.is(0.5) ? `${fields.join(',')},one,more\n` : `${fields.slice(0, 12).join(',')}\n`;
}

const states = ['ambiguous', 'authenticated', 'loggedOut'] as const;
const identity = (identityID: object) => ({
  type: 'array',
  minItems: 1,
  items: closed({ id: identityID, primary: { type: 'boolean' }, state: { type: 'string', enum: states } }, 'id'),
});
const counter = closed({ value: { type: 'number', minimum: 0 } });

const nestedSchema = closed(
  {
    _id: id,
    timestamp,
    eventType,
    channel,
    identities: {
      type: 'object',
      properties: { Email: identity(email) },
      additionalProperties: identity({ type: 'string', minLength: 1 }),
    },
    web: closed({
      page: closed({ url, name: string, home: { type: 'boolean' }, views: counter }, 'url'),
      referrer: closed({ url: string }),
    }),
    commerce: closed({ order, purchases: counter }),
    products: { type: 'array', items: closed({ sku: string, name: string, quantity }, 'sku') },
    place: closed({ geo: place }),
    device,
    _shop: closed({ loyalty }),
  },
  '_id',
  'timestamp',
  'eventType',
  'identities',
  'web',
);

const duckdbNestedColumns = {
  _id: 'VARCHAR',
  timestamp: 'TIMESTAMPTZ',
  eventType: 'VARCHAR',
  channel: 'VARCHAR',
  identities: 'MAP(VARCHAR, STRUCT(id VARCHAR, "primary" BOOLEAN, state VARCHAR)[])',
  web: 'STRUCT(page STRUCT(url VARCHAR, name VARCHAR, home BOOLEAN, views STRUCT("value" DOUBLE)), referrer STRUCT(url VARCHAR))',
  commerce: 'STRUCT("order" STRUCT(id VARCHAR, currency VARCHAR, total DOUBLE), purchases STRUCT("value" DOUBLE))',
  products: 'STRUCT(sku VARCHAR, name VARCHAR, quantity INTEGER)[]',
  place: 'STRUCT(geo STRUCT(country VARCHAR, city VARCHAR, latitude DOUBLE, longitude DOUBLE))',
  device: 'STRUCT("type" VARCHAR)',
  _shop: 'STRUCT(loyalty STRUCT(tier VARCHAR, points BIGINT))',
};

export function eventsJsonLines(name: string, badShare: number): BenchInput {
  return {
    name,
    format: 'JSONLines',
    schema: nestedSchema,
    mapping: [],
    head: '',
    records(chance) {
      const next = eventMaker(chance, badShare);
      return (): MadeRecord => {
        const { event, defect } = next();
        return { text: `${jsonText(event, defect, chance)}\n`, bad: defect !== undefined };
      };
    },
    duckdbColumns: duckdbNestedColumns,
    duckdbSelect: '*',
    key: '_id',
  };
}

function jsonText(event: Event, defect: Defect | undefined, chance: Chance): string {
  const text = JSON.stringify(nested(event));
  if (defect !== 'broken') return text;
  return chance.is(0.5) ? text.slice(0, -7) : text.replace('"web":{', '"web":"none","more":{');
}

/** Undefined members are left out by JSON.stringify. */
function nested(event: Event): object {
  const { order: orderID, currency, total, sku, product, tier, points } = event;
  const known = <T>(value: T | null): T | undefined => value ?? undefined;
  return {
    _id: known(event.id),
    timestamp: event.time,
    eventType: event.type,
    channel: event.channel,
    identities: {
      Visitor: [{ id: event.visitor, primary: true, state: 'ambiguous' }],
      Email: event.email === null ? undefined : [{ id: event.email, primary: false }],
      Customer: event.customer === null ? undefined : [{ id: event.customer, primary: false, state: 'authenticated' }],
    },
    web: {
      page: { url: event.url, name: event.page, home: event.home, views: { value: event.views } },
      referrer: event.referrer === null ? undefined : { url: event.referrer },
    },
    commerce: orderID === null ? undefined : { order: { id: orderID, currency, total }, purchases: { value: 1 } },
    products: sku === null ? undefined : products(sku, product, event.quantity),
    place: {
      geo: { country: event.country, city: event.city, latitude: event.latitude, longitude: event.longitude },
    },
    device: { type: event.device },
    _shop: tier === null && points === null ? undefined : { loyalty: { tier: known(tier), points: known(points) } },
  };
}

function products(sku: string, name: string | null, count: number | null): object[] {
  const first = { sku, name, quantity: count };
  return (count ?? 0) > 3 ? [first, { sku: 'SKU-000001', name: 'Gift', quantity: 1 }] : [first];
}
