/**
 * The table of check nodes: what a schema asks for at each place of a record, and which leaves of the columns hold it.
 * The host writes it (ingestor/engine/walkers/tables.ts), the walkers read it. Only constants, so that both can read this
 * file: where something stands, in bytes from the node's or key's address.
 */

/** Not decided here unless it is null. */
export const kindUnknown = 0;
export const kindText = 1;
export const kindInt = 2;
export const kindLong = 3;
export const kindDouble = 4;
export const kindBoolean = 5;
export const kindDate = 6;
export const kindDateTime = 7;
/** Any value that is allowed, as JSON text. */
export const kindJson = 8;
export const kindStruct = 9;
export const kindList = 10;
export const kindMap = 11;

export const nodeSize = 80;
/** u8: one of the kinds. */
export const nodeKind = 0;
/** u8: 1 where null is accepted. */
export const nodeNullable = 1;
/** u8: definition level of its leaves where it is null or missing. */
export const nodeNullLevel = 2;
/** u8, list and map: definition level of its leaves where it is empty. */
export const nodePresentLevel = 3;
/** u8, list and map: repetition level of items but the first. */
export const nodeRepetition = 4;
/** u8, struct: 1 where other fields are accepted (and counted as warned). */
export const nodeOpen = 5;
/** u8, list: 1 where no two items may be the same; they are told apart by how they are written. */
export const nodeUnique = 5;
/** u8. boolean: bit 0 for false, bit 1 for true; json: bits `allow...`. */
export const nodeAllowed = 6;
/** u8, double: 1 where it has bounds or choices, which are judged otherwise from 2^53 on. */
export const nodeBounded = 7;
/** u32: its leaves, from the first to before the end; of a leaf, its own. */
export const nodeFirstLeaf = 8;
export const nodeEndLeaf = 12;
/** u32, both inclusive. text, date, date-time: code points; list: items; struct and map: fields. */
export const nodeLeast = 16;
export const nodeMost = 20;
/** i32, text: the number of its check, -1 for none. */
export const nodeCheck = 24;
/** i64 or, of a double, f64: both inclusive. */
export const nodeMinimum = 32;
export const nodeMaximum = 40;
/** u32, numbers: address and number of the only values allowed (i64 or f64); none: all. */
export const nodeChoices = 48;
export const nodeChoiceCount = 52;
/** u32, struct: its fields; map: fields that have a node of their own. */
export const nodeKeys = 56;
export const nodeKeyCount = 60;
/** u32, struct: address of the key that is likely the first. Learnt. */
export const nodeFirstKey = 64;
/** u32: node of a list's items, of a map's values. */
export const nodeChild = 68;
/** u32, struct and map: the table in which keys are found by their names: see `keys.ts`. */
export const nodeKeyTable = 72;
export const nodeKeyMask = 76;

export const keySize = 32;
/** u32: address and length of `"name":`, or of what no JSON text holds where the name would be escaped. */
export const keyText = 0;
export const keyLength = 4;
/** u32: its node. */
export const keyNode = 8;
/** u32: address of the key that likely comes after it. Learnt. */
export const keyNext = 12;
/** u32: 1 where the field must be there. */
export const keyRequired = 16;
/** u64: the stamp of the object in which it was met last. */
export const keyStamp = 24;

/** Bits of `nodeAllowed` of JSON text. */
export const allowBoolean = 1;
export const allowInteger = 2;
export const allowNumber = 4;
export const allowText = 8;
export const allowList = 16;
export const allowObject = 32;

/**
 * The automaton of a check, over the bytes of UTF-8 text. Each state is a row of u16: for each class of bytes where the
 * next state's row begins (0: there is none), and last, at `automatonWidth`, 1 where the text may end.
 */
/** u32: number of classes. */
export const automatonWidth = 0;
/** u32: where the first state's row begins. */
export const automatonStart = 4;
/** u32: address of the rows. */
export const automatonRows = 8;
/** 256 x u8: the class of each byte. */
export const automatonClasses = 16;
export const automatonSize = 272;
