/**
 * Reasons of conditions and events, beside the error codes of the ingestor (ingestor/contract/errors.ts) and, where a
 * pod cannot start, Kubernetes' own word for it (ImagePullBackOff, Unschedulable, FailedMount, FailedCreate, ...).
 */
export const reasonTable = {
  // Waiting for something else
  DatasetNotFound: 'The Dataset that datasetRef names does not exist, or is being deleted.',
  DatasetNotReady: 'The Dataset has no schema in force yet; see its conditions.',
  ConnectionNotFound: 'The SourceConnection that input.connection names does not exist, or is being deleted.',
  SchemaNotFound: 'The ConfigMap or the key that holds the schema does not exist yet.',
  SchemaTooLarge: 'The schema does not fit the ConfigMap in which pods are handed their task (1 MiB).',
  TaskTooLarge: 'The task does not fit the ConfigMap in which pods are handed it (1 MiB).',
  NameTaken: "An object of the name that is needed exists, and is not the operator's.",
  Forbidden: 'The API server does not let the operator make what is needed.',

  // Dataset
  Preparing: 'A pod claims the place in the bucket and makes or evolves the table.',
  Prepared: 'The table is there and has the newest schema.',
  Purging: 'A pod removes the data, since deletionPolicy is Delete.',

  // Batch
  Queued: 'The next pod of the batch has not begun.',
  Planning: 'A pod lists the files; of a small batch it reads them too.',
  Running: 'Pods read the files.',
  Committing: 'All files are read; a pod decides and commits.',
  Retrying: 'A Job used up its retries; the next one comes after a pause.',
  Suspended: 'spec.suspend is true: nothing new is started.',
  Aborting: 'The batch is stopped, as desiredState asks; a pod sees to it that nothing of it goes in any more.',
  Reverting: 'A pod takes the rows of the batch out of the table, as desiredState asks.',
  Active: 'The rows of the batch are in the table.',

  // StreamInlet
  Starting: 'No pod of the inlet is ready yet.',
  RollingOut: 'Pods are replaced by new ones; records are taken in meanwhile.',
  Available: 'Records are taken in.',
  Closed: 'replicas is 0: no records are taken in, as asked.',

  // SourceConnection
  Scheduled: 'Runs are made by the schedule.',
  OnRequest: 'There is no schedule: runs are made on request.',
  Checking: 'A pod asks the source whether it answers.',
  Connected: 'The source answered, and took the credentials.',
  RunFailed: 'The last run failed; the next ones are made as before.',
  InvalidSchedule: 'The schedule or its time zone cannot be understood.',
  Deleted: 'The Batch of the run was deleted before it ended.',
} as const satisfies Record<string, string>;
