/**
 * All error codes, in one table. A code is stable; it is the reason of a condition, the code of an error class and the
 * word people search for. `docs/errors.md` is generated from here.
 *
 * `kind`: `record` - one record is refused and counted; `permanent` - the task ends with exit code 42;
 * `retryable` - exit code 10, the Job tries again; `outcome` - how a batch ended, not an error of the task.
 */
interface ErrorEntry {
  readonly kind: 'record' | 'permanent' | 'retryable' | 'outcome';
  readonly meaning: string;
  readonly cure: string;
}

export const errorTable = {
  // Records
  MalformedRecord: {
    kind: 'record',
    meaning: 'The record cannot be parsed: broken JSON, a quote that never closes, a JSON value that is no object.',
    cure: 'Look at the raw text in the reject file and mend the sender.',
  },
  RaggedRow: {
    kind: 'record',
    meaning: 'A CSV row has more or fewer fields than the header.',
    cure: 'Quote fields that hold the delimiter; write every field, also empty ones.',
  },
  InvalidEncoding: {
    kind: 'record',
    meaning: 'The record holds bytes that are not valid in the declared character set.',
    cure: 'Write UTF-8, or name the character set in format.csv.charset.',
  },
  RecordTooLarge: {
    kind: 'record',
    meaning: 'The record is longer than the limit.',
    cure: 'Raise the limit, or send smaller records.',
  },
  RequiredMissing: {
    kind: 'record',
    meaning: 'A required field is missing or null.',
    cure: 'Send the field, or remove it from `required` in the schema.',
  },
  WrongType: {
    kind: 'record',
    meaning: 'A value is of another type than the schema says, or cannot be converted to it.',
    cure: 'Mend the value or the type in the schema.',
  },
  OutOfRange: {
    kind: 'record',
    meaning: 'A number, a length or a number of items is outside the bounds of the schema.',
    cure: 'Mend the value or the bounds in the schema.',
  },
  NotInEnum: {
    kind: 'record',
    meaning: 'The value is not one of those the schema allows.',
    cure: 'Mend the value, or add it to `enum`.',
  },
  PatternMismatch: {
    kind: 'record',
    meaning: 'The text does not match the pattern of the schema.',
    cure: 'Mend the value or the pattern.',
  },
  FormatMismatch: {
    kind: 'record',
    meaning: 'The text is not of the format the schema names (date-time, uuid, email, ...).',
    cure: 'Mend the value, or remove `format` from the schema.',
  },
  UnknownField: {
    kind: 'record',
    meaning: 'The record has a field that the schema does not allow.',
    cure: 'Add the field to the schema, map it away, or allow additionalProperties.',
  },
  SchemaMismatch: {
    kind: 'record',
    meaning: 'The record breaks another rule of the schema; the message names the keyword.',
    cure: 'Mend the record or the schema.',
  },
  UnreadableSegment: {
    kind: 'record',
    meaning: 'Acknowledged records of a stream cannot be read back: their segment in the bucket is damaged or gone.',
    cure: 'Send the records again; the damaged segment, if there is one, is kept below rejects/unreadable of the inlet.',
  },
  Other: {
    kind: 'record',
    meaning: 'Error classes past the first 20, summed up.',
    cure: 'Read the diagnostics in the bucket.',
  },

  // How a batch ends
  TooManyFailed: {
    kind: 'outcome',
    meaning: 'More records failed than errorPolicy.maxFailed allows; nothing was ingested.',
    cure: 'Look at status.errors and the reject files, mend the data, or raise errorPolicy.maxFailed.',
  },
  UnreadableFile: {
    kind: 'outcome',
    meaning: 'A file cannot be read as the format says: truncated, damaged, or another format or compression.',
    cure: 'Replace the file, or mend format and compression.',
  },
  FileChanged: {
    kind: 'outcome',
    meaning: 'A file was changed or removed after the batch had been planned.',
    cure: 'Write files once, under their final name; request another attempt.',
  },
  NoInput: {
    kind: 'outcome',
    meaning: 'The batch names no file that exists.',
    cure: 'Check bucket, prefix, glob and keys.',
  },
  JobFailed: {
    kind: 'outcome',
    meaning: 'A pod of the batch failed for good before it could say why.',
    cure: 'Read the events of the Job and its pods; memory limits are a common cause. Request another attempt.',
  },
  Validated: {
    kind: 'outcome',
    meaning: 'The batch was only to be checked, and few enough records failed; nothing was ingested, as asked.',
    cure: 'None needed. Without validateOnly it ingests.',
  },
  Reverted: {
    kind: 'outcome',
    meaning: 'The rows of the batch were taken out of the table again, as asked.',
    cure: 'None needed; a new request ingests the batch again.',
  },
  Replaced: {
    kind: 'outcome',
    meaning: 'The rows of the batch left the table in the commit of a batch that replaces it; the message names it.',
    cure: 'None needed; a new request ingests the batch again.',
  },
  NothingToReplace: {
    kind: 'outcome',
    meaning: 'A batch that is to be replaced was never committed, was taken out before, or holds no rows.',
    cure: 'Remove its id from replaces.',
  },
  FilesRewritten: {
    kind: 'outcome',
    meaning: 'Rows that were to be taken out lie in files together with other rows now: they were compacted.',
    cure: 'Delete the rows with an engine that writes to the table; keep retention.revertDays longer.',
  },
  FilesGone: {
    kind: 'outcome',
    meaning:
      'Data files are gone: those of rows that were to be taken out are not in the table any more, or those of rows that were to be added are not in the bucket. Nothing was changed.',
    cure: 'Where rows were to be added, request another attempt, and keep orphan cleaners away from young files; else see the snapshots of the table for what removed them.',
  },
  AlreadyCommitted: {
    kind: 'outcome',
    meaning: 'A batch of this id was committed with another request.',
    cure: 'Give the batch another name or externalID; restore the earlier spec to see its outcome.',
  },
  Superseded: {
    kind: 'outcome',
    meaning: 'Another request for the same batch came before this one was decided; nothing of this one was ingested.',
    cure: 'None needed: see the newer attempt.',
  },
  Abandoned: {
    kind: 'outcome',
    meaning: 'No task of the batch made progress for seven days.',
    cure: 'Request another attempt.',
  },
  Aborted: {
    kind: 'outcome',
    meaning: 'The batch was stopped as asked; nothing was ingested.',
    cure: 'None needed.',
  },
  CountsDoNotAddUp: {
    kind: 'outcome',
    meaning: 'read = ingested + failed + skipped does not hold: a defect of the ingestor. Nothing was ingested.',
    cure: 'Report it, with the plan and receipts of the batch.',
  },

  // Permanent: a person must act
  InvalidTask: {
    kind: 'permanent',
    meaning: 'The task document is not what this version of the ingestor understands.',
    cure: 'Run operator and ingestor of the same release.',
  },
  InvalidSchema: {
    kind: 'permanent',
    meaning: 'The schema is no JSON Schema, or uses what the engine cannot check or store.',
    cure: 'Mend the schema at the place the message names.',
  },
  SchemaIncompatible: {
    kind: 'permanent',
    meaning: 'The new schema would break the table; the earlier one stays in force.',
    cure: 'Undo the change of the field the message names, or make a new Dataset.',
  },
  InvalidMapping: {
    kind: 'permanent',
    meaning: 'A mapping names a destination that the schema does not have.',
    cure: 'Mend the mapping.',
  },
  StorageInUse: {
    kind: 'permanent',
    meaning: 'Another Dataset owns this place in the bucket.',
    cure: 'Choose another prefix.',
  },
  StoreUnsuitable: {
    kind: 'permanent',
    meaning: 'The store does not honour conditional creates (If-None-Match: *); exactly once cannot be kept there.',
    cure: 'Use a store that does; docs/stores.md lists those that were tried.',
  },
  BucketNotFound: {
    kind: 'permanent',
    meaning: 'The bucket does not exist.',
    cure: 'Create the bucket or mend its name.',
  },
  InvalidKey: {
    kind: 'permanent',
    meaning: 'The store cannot hold an object of that key, or a file has a name that is no valid key.',
    cure: 'Name the file otherwise: a relative path without `.` and `..`, valid UTF-8, at most 1,024 bytes.',
  },
  CredentialsRefused: {
    kind: 'permanent',
    meaning: 'The store or the catalog refused the credentials, also after they were read again for two minutes.',
    cure: 'Mend the Secret; give the key the rights the docs list.',
  },
  StoreRefused: {
    kind: 'permanent',
    meaning: 'The store refused a request as invalid: a wrong region, an impossible name, a redirect.',
    cure: 'Check bucket, region, endpoint and forcePathStyle.',
  },
  UntrustedCertificate: {
    kind: 'permanent',
    meaning: 'The TLS certificate of the store or the catalog is not trusted, has expired, or is for another host.',
    cure: 'Name the CA in caConfigMapRef; check the host name of the endpoint or the URI.',
  },
  DatasetNotPrepared: {
    kind: 'retryable',
    meaning: 'The dataset has no table yet.',
    cure: 'Wait for the Dataset; see its conditions.',
  },
  DatasetPurged: {
    kind: 'permanent',
    meaning: 'The dataset was deleted with deletionPolicy Delete.',
    cure: 'Create a Dataset in another place.',
  },

  CatalogRefused: {
    kind: 'permanent',
    meaning:
      'The REST catalog refused a request as invalid: a wrong URI, warehouse or namespace, a commit it cannot do.',
    cure: 'Check table.catalog.rest; read what the catalog says in the message.',
  },
  PartitionFieldInvalid: {
    kind: 'permanent',
    meaning: 'A field of partitionBy or sortBy is not in the schema, or its type does not fit the transform.',
    cure: 'Name a field of the schema by its path; the message lists the types that fit.',
  },
  TableReplaced: {
    kind: 'permanent',
    meaning:
      'The table is not the one that this dataset made: dropped and made anew, rolled back, or emptied from outside.',
    cure: 'Restore the table the message names, or make a new Dataset in another place.',
  },
  DamagedDocument: {
    kind: 'permanent',
    meaning: 'An object in the bucket is not what Forebay writes there: someone changed it, or it was damaged.',
    cure: 'Restore the object the message names from a backup, or make a new Dataset in another place.',
  },

  // Retryable
  StoreUnavailable: {
    kind: 'retryable',
    meaning: 'The store cannot be reached, throttles or answers with errors.',
    cure: 'None needed if it passes; else check endpoint and network.',
  },
  CatalogUnavailable: {
    kind: 'retryable',
    meaning: 'The REST catalog cannot be reached, throttles or answers with errors.',
    cure: 'None needed if it passes; else check the URI and the network.',
  },
  ReceiptsMissing: {
    kind: 'retryable',
    meaning: 'Shards of the batch have not ended yet.',
    cure: 'None needed: the task is run again.',
  },
  RunUndecided: {
    kind: 'retryable',
    meaning: 'An earlier run of the batch, or one that claimed the same files, has no outcome yet.',
    cure: 'None needed: the task is run again.',
  },
  NewerDocument: {
    kind: 'retryable',
    meaning: 'A document in the bucket or the task was written by a newer version.',
    cure: 'Finish the upgrade: run one version everywhere.',
  },
  Interrupted: {
    kind: 'retryable',
    meaning: 'The pod was told to stop before it was done.',
    cure: 'None needed: the task is run again.',
  },
  InternalError: {
    kind: 'retryable',
    meaning: 'An unexpected error: a defect of the ingestor.',
    cure: 'Report it with the log of the pod.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** Exit codes of a task (rules of the Job's pod failure policy depend on them). */
export const exitCodes = { done: 0, retryable: 10, permanent: 42 } as const;

/**
 * The error every part of the ingestor throws. `message` is one line for a person: it names the thing, the place and
 * what is wrong, and holds no secret, no record content and no URL query.
 */
export class ForebayError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ForebayError';
    this.code = code;
  }

  get exitCode(): number {
    return errorTable[this.code].kind === 'retryable' ? exitCodes.retryable : exitCodes.permanent;
  }
}

/** Any thrown value as a ForebayError: unknown ones become InternalError with the cause kept. */
export function toForebayError(thrown: unknown): ForebayError {
  if (thrown instanceof ForebayError) return thrown;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new ForebayError('InternalError', message, { cause: thrown });
}
