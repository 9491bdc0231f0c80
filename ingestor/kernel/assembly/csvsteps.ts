/**
 * The steps by which a row of CSV becomes a row of the columns: which field goes to which leaf, and where structs are.
 * The host writes them (ingestor/engine/walkers/csv.ts), the walker reads them. Only constants, so that both can read
 * this file: where something stands, in bytes from the plan's or step's address.
 */

export const csvPlanSize = 32;
/** u32: address and end of the steps. */
export const csvSteps = 0;
export const csvStepsEnd = 4;
/** u32: fields that a row has. */
export const csvWidth = 8;
/** u8: a byte that no UTF-8 text has where there are no quotes. */
export const csvQuote = 12;
/** u32: address and length of the text that stands for null; the length is that of no text where none does. */
export const csvMarker = 16;
export const csvMarkerLength = 20;

export const stepSize = 32;
/** u8: the kind of a leaf's node (see nodes.ts), or one of these. */
export const stepKind = 0;
/** u8: 1 where null is accepted. */
export const stepNullable = 1;
/** u8: definition level of its leaves where it is null. */
export const stepNullLevel = 2;
/** u32: number of the field. */
export const stepField = 4;
/** u32: address of the leaf's node. */
export const stepNode = 8;
/** u32: its leaves, from the first to before the end. */
export const stepFirstLeaf = 12;
export const stepEndLeaf = 16;
/** u32, struct: address and number of the fields (u32) by one of which it is there. */
export const stepFields = 20;
export const stepFieldCount = 24;
/** u32, struct: the step behind those for what is in it. */
export const stepNext = 28;

/** No field goes there: null. */
export const kindNothing = 16;
/** A struct: null with all that is in it, where all its fields are. */
export const kindOfFields = 17;
/** A field that is not decided here unless it is null. */
export const kindUndecided = 18;
/** A field that no column holds. */
export const kindExtra = 19;
