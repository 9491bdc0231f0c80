/** Writes docs/errors.md from the tables of error codes and reasons; with --check, fails when the file differs. */
import { errorTable } from '../../ingestor/contract/errors.ts';
import { reasonTable } from '../../operator/api/reasons.ts';
import { emit } from './emit.ts';

const headings = {
  record: ['Records', 'One record is refused: counted, kept in the reject file, and the rest goes on.'],
  outcome: [
    'How a batch ends',
    'The reason of the condition Succeeded: nothing of such a batch is in the table. FilesRewritten and FilesGone may also be why a committed batch is Stalled that was to be reverted; then its rows stay where they are.',
  ],
  permanent: ['A person must act', 'The task ends with exit code 42 and is not tried again as it stands.'],
  retryable: ['Tried again', 'The task ends with exit code 10 and is started again, at growing intervals.'],
} as const;

function errorsPage(): string {
  const lines = [
    '# Errors',
    '',
    'Every code, generated from `ingestor/contract/errors.ts`. A code is stable: it is the reason of a condition, the reason of an event, the code in `status.errors` and in reject files.',
  ];
  for (const [kind, [title, text]] of Object.entries(headings)) {
    lines.push('', `## ${title}`, '', text, '', '| Code | Meaning | What to do |', '| --- | --- | --- |');
    for (const [code, entry] of Object.entries(errorTable)) {
      if (entry.kind === kind) lines.push(`| \`${code}\` | ${entry.meaning} | ${entry.cure} |`);
    }
  }
  lines.push(
    '',
    '## Reasons that are no errors',
    '',
    "Further reasons of conditions and events, from `operator/api/reasons.ts`. Where a pod cannot start, the reason is Kubernetes' own word for it: `ImagePullBackOff`, `Unschedulable`, `FailedMount` (a Secret or ConfigMap is missing), `FailedCreate` (a quota or policy is in the way), `CrashLoopBackOff`.",
    '',
    '| Reason | Meaning |',
    '| --- | --- |',
    ...Object.entries(reasonTable).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`),
  );
  return `${lines.join('\n')}\n`;
}

await emit('docs/errors.md', errorsPage());
