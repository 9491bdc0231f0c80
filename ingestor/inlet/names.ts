/**
 * Where the objects of an inlet are, relative to the dataset's place. Segments, plans and receipts are created once and
 * decide. A name is freed only after the table has what it stands for: the table's property then says it is over.
 */

/** Folder of all inlets of a dataset. */
export const inletsFolder = 'ingest/inlets/';

/** The inlet that an object belongs to; undefined for a foreign object. */
export function parseInletKey(key: string): string | undefined {
  return /^ingest\/inlets\/([0-9a-f]{64})\//.exec(key)?.[1];
}

export function inletFolder(inlet: string): string {
  return `${inletsFolder}${inlet}/`;
}

/** What `maintain` needs to run rounds where no pod is left. */
export function settingsKey(inlet: string): string {
  return `${inletFolder(inlet)}settings.json`;
}

/** Who runs rounds at the moment; saves work, decides nothing. */
export function leaseKey(inlet: string): string {
  return `${inletFolder(inlet)}lease.json`;
}

export function writersFolder(inlet: string): string {
  return `${inletFolder(inlet)}writers/`;
}

/** Created before a writer's first segment, so that nobody lists all segments to find out who writes. */
export function writerKey(inlet: string, writer: string): string {
  return `${writersFolder(inlet)}${writer}.json`;
}

export function segmentsFolder(inlet: string): string {
  return `${inletFolder(inlet)}segments/`;
}

/** Digits of a sequence number: names of one writer sort as numbers. */
const sequenceDigits = 12;
/** Digits that the segments of one listing differ in: at most 1,000 names, one page. */
const blockDigits = 3;
export const blockSize = 10 ** blockDigits;

export function segmentKey(inlet: string, writer: string, sequence: number): string {
  return `${segmentsFolder(inlet)}${writer}/${digits(sequence)}.seg`;
}

/** Prefix of the keys of the segments `block * blockSize` to `(block + 1) * blockSize - 1` of a writer. */
export function segmentBlockPrefix(inlet: string, writer: string, block: number): string {
  return `${segmentsFolder(inlet)}${writer}/${digits(block * blockSize).slice(0, -blockDigits)}`;
}

function digits(sequence: number): string {
  return String(sequence).padStart(sequenceDigits, '0');
}

/** Undefined for a foreign object. */
export function parseSegmentKey(key: string): { inlet: string; writer: string; sequence: number } | undefined {
  const [, inlet, writer, sequence] = segmentPattern.exec(key) ?? [];
  if (inlet === undefined || writer === undefined || sequence === undefined) return undefined;
  return { inlet, writer, sequence: Number(sequence) };
}
const segmentPattern = /^ingest\/inlets\/([0-9a-f]{64})\/segments\/([0-9a-f]{32})\/([0-9]{12})\.seg$/;

/** Undefined for a foreign object. */
export function parseWriterKey(key: string): string | undefined {
  return /\/writers\/([0-9a-f]{32})\.json$/.exec(key)?.[1];
}

export function roundsFolder(inlet: string): string {
  return `${inletFolder(inlet)}rounds/`;
}

/** Which segments a round takes. */
export function roundPlanKey(inlet: string, round: number): string {
  return `${roundsFolder(inlet)}${round}/plan.json`;
}

/** What became of them. */
export function roundReceiptKey(inlet: string, round: number): string {
  return `${roundsFolder(inlet)}${round}/receipt.json`;
}

/** Undefined for a foreign object. */
export function parseRoundKey(key: string): number | undefined {
  const [, round] = /\/rounds\/([1-9][0-9]*)\/(?:plan|receipt)\.json$/.exec(key) ?? [];
  return round === undefined ? undefined : Number(round);
}

/** Refused records, kept for a while, and unreadable segments, kept for good. */
export function rejectsFolder(inlet: string): string {
  return `${inletFolder(inlet)}rejects/`;
}

export function roundRejectKey(inlet: string, round: number, attempt: string): string {
  return `${rejectsFolder(inlet)}${round}-${attempt}.jsonl.zst`;
}

/** The round that a reject file is of; undefined for an unreadable segment or a foreign object. */
export function parseRoundRejectKey(key: string): number | undefined {
  const [, round] = /\/rejects\/([1-9][0-9]*)-[0-9a-f]{32}\.jsonl\.zst$/.exec(key) ?? [];
  return round === undefined ? undefined : Number(round);
}

export function unreadableSegmentKey(inlet: string, writer: string, sequence: number): string {
  return `${rejectsFolder(inlet)}unreadable/${writer}-${sequence}.seg`;
}

/** Of the data files of a round; `dataFolder` is the table's. */
export function roundDataFolder(dataFolder: string, inlet: string, round: number): string {
  return `${dataFolder}${inletBatch(inlet)}/${round}/`;
}

export function roundDataKey(dataFolder: string, inlet: string, round: number, attempt: string, k: number): string {
  return `${roundDataFolder(dataFolder, inlet, round)}${attempt}-${k}.parquet`;
}

/** What the table's list of files calls an inlet. */
export function inletBatch(inlet: string): string {
  return `inlet-${inlet}`;
}
