/** Visits to a web shop: what nearly all of them look like, and the ten ways in which one in a hundred is wrong. */
import type { Random } from '../../../ingestor/contract/environment.ts';
import { chance, chooser, digits, hexDigits, type Pick, whole } from './chance.ts';

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
export function eventMaker(random: Random, badShare: number): () => MadeEvent {
  const pick = chooser(random);
  let time = Date.UTC(2026, 0, 1);
  return () => {
    time += whole(random, 200);
    const event = goodEvent(random, pick, time);
    const defect = chance(random, badShare) ? pick(defects) : undefined;
    if (defect) spoil(event, defect);
    return { event, defect };
  };
}

function goodEvent(random: Random, pick: Pick, time: number): Event {
  const type = pick(eventTypes);
  const hasProduct = type.startsWith('commerce');
  const isPurchase = type === 'commerce.purchases';
  const section = pick(sections);
  const number = whole(random, 5_000);
  const [country, city] = pick(places);
  return {
    id: uuid(random),
    time: new Date(time).toISOString(),
    type,
    channel: pick(channels),
    visitor: `7${digits(random, 37)}`,
    email: chance(random, 0.4) ? `user${whole(random, 500_000)}@mail${whole(random, 20)}.example` : null,
    customer: chance(random, 0.5) ? `C-${whole(random, 1e7)}` : null,
    url: `https://shop.example/${section}/${number}${chance(random, 0.3) ? `?from=${pick(campaigns)}&id=${whole(random, 1e6)}` : ''}`,
    page: `${section}-${number}`,
    home: chance(random, 0.1),
    views: 1,
    referrer: chance(random, 0.5) ? `https://${pick(searchEngines)}.example/search?q=${hexDigits(random, 6)}` : null,
    order: isPurchase ? `ORD-${hexDigits(random, 10)}` : null,
    currency: isPurchase ? pick(currencies) : null,
    total: isPurchase ? whole(random, 100_000) / 100 : null,
    sku: hasProduct ? `SKU-${String(whole(random, 20_000)).padStart(6, '0')}` : null,
    product: hasProduct ? `${make(random, pick)} ${pick(goods)}` : null,
    quantity: hasProduct ? 1 + whole(random, 5) : null,
    country,
    city,
    latitude: (whole(random, 18_000_001) - 9_000_000) / 1e5,
    longitude: (whole(random, 36_000_001) - 18_000_000) / 1e5,
    device: pick(devices),
    tier: chance(random, 0.6) ? pick(tiers) : null,
    points: chance(random, 0.6) ? whole(random, 100_000) : null,
  };
}

/** One in seven needs quotes in CSV, or has characters past ASCII. */
function make(random: Random, pick: Pick): string {
  const at = whole(random, 200);
  if (at < 172) return pick(makes);
  if (at < 188) return 'Light, airy';
  if (at < 194) return 'The "Pro"';
  return at < 199 ? 'Zoë’s' : 'Two\nline';
}

function uuid(random: Random): string {
  const hex = (count: number) => hexDigits(random, count);
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
