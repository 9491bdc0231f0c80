/** Visits to a web shop: what nearly all of them look like, and the ten ways in which one in a hundred is wrong. */
import type { Chance } from '../../../test/support/chance.ts';
import { digits, hexDigits } from './texts.ts';

/** As they come from a tracker, flat. Null: not known. */
export interface Event {
  id: string | null;
  time: string;
  type: string;
  channel: string;
  visitor: string;
  email: string | null;
  customer: string | null;
  url: string;
  page: string;
  home: boolean | string;
  views: number | string;
  referrer: string | null;
  order: string | null;
  currency: string | null;
  total: number | null;
  sku: string | null;
  product: string | null;
  quantity: number | null;
  country: string;
  city: string;
  latitude: number;
  longitude: number;
  device: string;
  tier: string | null;
  points: number | null;
}

export const eventTypes = [
  'web.webpagedetails.pageViews',
  'commerce.productViews',
  'commerce.productListAdds',
  'commerce.purchases',
  'advertising.clicks',
  'application.launches',
] as const;
export const channels = ['web', 'mobile', 'email', 'store', 'callcenter'] as const;
export const devices = ['desktop', 'mobile', 'tablet', 'tv'] as const;
export const tiers = ['bronze', 'silver', 'gold', 'platinum'] as const;
const currencies = ['USD', 'EUR', 'GBP', 'JPY', 'CAD', 'AUD'];
const places = [
  ['US', 'Portland'],
  ['DE', 'Hamburg'],
  ['FR', 'Lyon'],
  ['GB', 'Leeds'],
  ['JP', '大阪'],
  ['CA', 'Montréal'],
  ['AU', 'Perth'],
  ['IN', 'Chennai'],
  ['BR', 'São Luís'],
  ['ES', 'Sevilla'],
] as const;
const sections = ['products', 'cart', 'home', 'stories', 'help'];
const campaigns = ['search', 'social', 'newsletter'];
const searchEngines = ['find', 'lookup', 'seek'];
const makes = ['Red', 'Blue', 'Green', 'Heavy', 'Slim', 'Classic'];
const goods = ['Shoe', 'Jacket', 'Lamp', 'Phone', 'Chair', 'Mug', 'Backpack', 'Watch'];

/** The wrong ones by number; `broken` is what each format makes of it: too many fields, half an object. */
export const defects = [
  'id',
  'time',
  'type',
  'views',
  'email',
  'latitude',
  'country',
  'points',
  'home',
  'broken',
] as const;
export type Defect = (typeof defects)[number];

export interface MadeEvent {
  readonly event: Event;
  readonly defect: Defect | undefined;
}

/** `badShare`: of records that are wrong, 0 to 1. */
export function eventMaker(chance: Chance, badShare: number): () => MadeEvent {
  let time = Date.UTC(2026, 0, 1);
  return () => {
    time += chance.whole(200);
    const event = goodEvent(chance, time);
    const defect = chance.is(badShare) ? chance.pick(defects) : undefined;
    if (defect) spoil(event, defect);
    return { event, defect };
  };
}

function goodEvent(chance: Chance, time: number): Event {
  const type = chance.pick(eventTypes);
  const hasProduct = type.startsWith('commerce');
  const isPurchase = type === 'commerce.purchases';
  const section = chance.pick(sections);
  const number = chance.whole(5_000);
  const [country, city] = chance.pick(places);
  return {
    id: uuid(chance),
    time: new Date(time).toISOString(),
    type,
    channel: chance.pick(channels),
    visitor: `7${digits(chance, 37)}`,
    email: chance.is(0.4) ? `user${chance.whole(500_000)}@mail${chance.whole(20)}.example` : null,
    customer: chance.is(0.5) ? `C-${chance.whole(1e7)}` : null,
    url: `https://shop.example/${section}/${number}${chance.is(0.3) ? `?from=${chance.pick(campaigns)}&id=${chance.whole(1e6)}` : ''}`,
    page: `${section}-${number}`,
    home: chance.is(0.1),
    views: 1,
    referrer: chance.is(0.5) ? `https://${chance.pick(searchEngines)}.example/search?q=${hexDigits(chance, 6)}` : null,
    order: isPurchase ? `ORD-${hexDigits(chance, 10)}` : null,
    currency: isPurchase ? chance.pick(currencies) : null,
    total: isPurchase ? chance.whole(100_000) / 100 : null,
    sku: hasProduct ? `SKU-${String(chance.whole(20_000)).padStart(6, '0')}` : null,
    product: hasProduct ? `${make(chance)} ${chance.pick(goods)}` : null,
    quantity: hasProduct ? 1 + chance.whole(5) : null,
    country,
    city,
    latitude: (chance.whole(18_000_001) - 9_000_000) / 1e5,
    longitude: (chance.whole(36_000_001) - 18_000_000) / 1e5,
    device: chance.pick(devices),
    tier: chance.is(0.6) ? chance.pick(tiers) : null,
    points: chance.is(0.6) ? chance.whole(100_000) : null,
  };
}

/** One in seven needs quotes in CSV, or has characters past ASCII. */
function make(chance: Chance): string {
  const at = chance.whole(200);
  if (at < 172) return chance.pick(makes);
  if (at < 188) return 'Light, airy';
  if (at < 194) return 'The "Pro"';
  return at < 199 ? 'Zoë’s' : 'Two\nline';
}

function uuid(chance: Chance): string {
  const hex = (count: number) => hexDigits(chance, count);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
}

function spoil(event: Event, defect: Defect): void {
  switch (defect) {
    case 'id':
      event.id = null;
      break;
    case 'time':
      event.time = '2026-13-45T99:00:00Z';
      break;
    case 'type':
      event.type = 'no.such.type';
      break;
    case 'views':
      event.views = 'many';
      break;
    case 'email':
      event.email = 'not-an-address';
      break;
    case 'latitude':
      event.latitude = 123.456;
      break;
    case 'country':
      event.country = 'usa';
      break;
    case 'points':
      event.points = -5;
      break;
    case 'home':
      event.home = 'maybe';
      break;
    case 'broken':
      break;
  }
}
