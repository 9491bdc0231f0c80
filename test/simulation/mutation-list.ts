/**
 * The guards of the protocol, and how each is taken out: a replacement in the text of a source file, which must stand
 * there exactly once. A guard that is moved or worded anew has to be found again here.
 */
import type { Replacement } from './hooks.ts';

export interface Mutation {
  readonly guard: string;
  readonly replacements: readonly Replacement[];
  /** Found so early that each test run looks for it. */
  readonly quick?: boolean;
  /** Why no seed misses it: needless, or out of the simulation's reach. */
  readonly unmissed?: string;
}

const commit = 'ingestor/commit';
const inlet = 'ingestor/inlet';
const maintain = 'ingestor/maintain';

export const mutations: readonly Mutation[] = [
  {
    guard: 'A request that slept neither ends nor follows on what was asked for later',
    replacements: [
      {
        file: `${commit}/runs.ts`,
        from: "if (isOutdated(request, earlier)) return { kind: 'outdated', latest };",
        to: '',
      },
    ],
    unmissed:
      'It takes a pod that sleeps before its first look, and a user who gives up meanwhile: too rare for these seeds; runs.test.ts shows it.',
  },
  {
    guard: 'The marker of a run is looked at after the table was loaded',
    replacements: [
      {
        file: `${commit}/markers.ts`,
        from: 'return key === undefined ? undefined : await readDocument(dataset.store, key, Landing, waiting);',
        to: 'return key === undefined ? undefined : undefined;',
      },
    ],
  },
  {
    guard: "The table's property says that a run landed",
    quick: true,
    replacements: [
      {
        file: `${commit}/markers.ts`,
        from: "if (value !== undefined) return parseDocument(Landing, value, property, 'DamagedDocument');",
        to: '',
      },
    ],
  },
  {
    guard: 'A property is dropped only when its marker is there',
    replacements: [
      {
        file: `${commit}/markers.ts`,
        from: 'return names.filter((_, index) => marked[index]);',
        to: 'return names.filter((name, index) => marked[index] || markerOf(name) !== undefined);',
      },
    ],
  },
  {
    guard: 'Of two that decide, the loser knows that what stands is not its own',
    replacements: [{ file: `${commit}/decide.ts`, from: 'own: there.attempt === value.attempt', to: 'own: true' }],
    unmissed: "A loser's files stay until maintain collects them: room, not correctness.",
  },
  {
    guard: "One's own attempt is recognised when the store says that the object exists",
    quick: true,
    replacements: [{ file: `${commit}/decide.ts`, from: 'own: there.attempt === value.attempt', to: 'own: false' }],
  },
  {
    guard: 'A receipt is created only if there is none',
    replacements: [
      {
        file: 'ingestor/tasks/shard.ts',
        from: 'const decided = await decide(dataset.store, key, Receipt, receipt, environment);',
        to: 'await dataset.store.put(key, JSON.stringify(receipt)); const decided = { value: receipt, own: true };',
      },
    ],
    unmissed:
      'The decision is what counts, and it is made once: from whichever receipt. The condition is what lets a loser delete its files.',
  },
  {
    guard: 'A decision is created only if there is none',
    quick: true,
    replacements: [
      {
        file: `${commit}/decision.ts`,
        from: 'return (await decide(dataset.store, decisionKey(batch, plan.run), Decision, decision, waiting)).value;',
        to: 'await dataset.store.put(decisionKey(batch, plan.run), JSON.stringify(decision)); return decision;',
      },
    ],
  },
  {
    guard: 'The decision that stands is used, not the one just drafted',
    replacements: [
      {
        file: `${commit}/decision.ts`,
        from: 'return (await decide(dataset.store, decisionKey(batch, plan.run), Decision, decision, waiting)).value;',
        to: 'await decide(dataset.store, decisionKey(batch, plan.run), Decision, decision, waiting); return decision;',
      },
    ],
  },
  {
    guard: 'The plan that stands is used, not the one just drafted',
    replacements: [
      {
        file: `${commit}/plan.ts`,
        from: 'return (await decide(dataset.store, planKey(batchDigest(plan.batch), plan.run), Plan, plan, waiting)).value;',
        to: 'await decide(dataset.store, planKey(batchDigest(plan.batch), plan.run), Plan, plan, waiting); return plan;',
      },
    ],
  },
  {
    guard: 'A request that was served starts no further run',
    replacements: [
      {
        file: `${commit}/runs.ts`,
        from: "if (served !== undefined) return { kind: 'join', plan: await requirePlan(dataset, batch, served.run, waiting) };",
        to: '',
      },
    ],
  },
  {
    guard: 'A run that is not decided is ended before the next begins',
    replacements: [
      {
        file: `${commit}/runs.ts`,
        from: "if (end === undefined) return { kind: 'supersede', undecided: latest };",
        to: '',
      },
    ],
  },
  {
    guard: 'A committed batch is not ingested again for another request',
    quick: true,
    replacements: [
      {
        file: `${commit}/runs.ts`,
        from: "if (end === 'Committed') {\n    const asked",
        to: 'if (false) {\n    const asked',
      },
    ],
  },
  {
    guard: 'A request to revert a run is served by it, and brings nothing back later',
    replacements: [
      {
        file: `${commit}/runs.ts`,
        from: 'return reversal?.request === undefined ? requests : [...requests, { run, ...reversal.request }];',
        to: 'return requests;',
      },
    ],
  },
  {
    guard: 'Files that others claimed are left out',
    quick: true,
    replacements: [
      {
        file: `${commit}/ledger.ts`,
        from: 'const known = new KnownFiles([...groups.filter(isAnothers), ...holding]);',
        to: 'const known = new KnownFiles([]);',
      },
    ],
  },
  {
    guard: 'A claim that was made before fixes the files of its run',
    replacements: [
      {
        file: `${commit}/ledger.ts`,
        from: 'const own = entries.find((entry) => isOwn(entry, claimant));',
        to: 'const own = entries.find(() => false);',
      },
    ],
    unmissed:
      'A second entry of the same run is held against all others too, and the plan names the one that counts: it keeps the ledger short and a plan stable.',
  },
  {
    guard: 'Whoever loses the race for an entry of the ledger looks again',
    replacements: [
      {
        file: `${commit}/ledger.ts`,
        from: 'return (await readEntryDocument(dataset, number, waiting))?.attempt === attempt;',
        to: 'return true;',
      },
    ],
  },
  {
    guard: 'The claim of a run that is not decided holds',
    replacements: [
      {
        file: `${commit}/ledger-entries.ts`,
        from: "if (decision === undefined) return 'open';",
        to: "if (decision === undefined) return 'free';",
      },
    ],
  },
  {
    guard: 'A claim is made before the plan: one without a plan holds',
    replacements: [
      {
        file: `${commit}/ledger-entries.ts`,
        from: "if (plan === undefined) return 'open';",
        to: "if (plan === undefined) return 'free';",
      },
    ],
  },
  {
    guard: 'A plan that was not made from the claim lets its files go',
    replacements: [
      {
        file: `${commit}/ledger-entries.ts`,
        from: "if (plan.ledgerEntry !== number) return 'free';",
        to: '',
      },
    ],
  },
  {
    guard: 'Inputs are read only as they were planned (If-Match)',
    replacements: [{ file: 'ingestor/sources/inputs.ts', from: 'ifMatch: etag,', to: '' }],
  },
  {
    guard: 'Files that are to leave the table must all be in it',
    replacements: [
      {
        file: `${commit}/live.ts`,
        from: 'const missing = new Set(keys.filter((key) => !found.has(key)));',
        to: 'const missing = new Set<string>();',
      },
    ],
  },
  {
    guard: 'What the table refuses is landed as such, under the same property',
    replacements: [
      {
        file: `${commit}/land.ts`,
        from: 'setProperties: { [property]: JSON.stringify(landing), ...replacedProperties(plan, landing) },',
        to: 'setProperties: refusal === undefined ? { [property]: JSON.stringify(landing), ...replacedProperties(plan, landing) } : {},',
      },
    ],
  },
  {
    guard: 'The commit that replaces a run says so of it',
    replacements: [
      {
        file: `${commit}/land.ts`,
        from: 'setProperties: { [property]: JSON.stringify(landing), ...replacedProperties(plan, landing) },',
        to: 'setProperties: { [property]: JSON.stringify(landing) },',
      },
    ],
  },
  {
    guard: 'A run is abandoned only after a week without progress',
    quick: true,
    replacements: [
      {
        file: `${commit}/settle.ts`,
        from: 'const patienceWithUndecided = 7 * day;',
        to: 'const patienceWithUndecided = 0;',
      },
    ],
  },
  {
    guard: 'Garbage of a run is looked for only when it has its marker',
    replacements: [
      {
        file: `${commit}/settle.ts`,
        from: 'const marker = await head(dataset, markerKey(batch, run), waiting);',
        to: 'const marker = await head(dataset, decisionKey(batch, run), waiting);',
      },
    ],
  },
  {
    guard: 'Files that landed are not garbage of their run',
    quick: true,
    replacements: [
      {
        file: `${commit}/garbage.ts`,
        from: "const landed = landing.outcome === 'Committed' ? decision.dataFiles.map(({ key }) => key) : [];",
        to: 'const landed: string[] = [];',
      },
    ],
  },
  {
    guard: 'A run is looked at once more before it is forgotten',
    replacements: [{ file: `${commit}/garbage.ts`, from: 'if (age < 2 * day) return garbage.length;', to: '' }],
    unmissed: 'What a sleeper writes on the second day would stay as garbage: room, not correctness.',
  },
  {
    guard: 'A version is created only if there is none of its number',
    quick: true,
    replacements: [
      {
        file: 'ingestor/table/version-files.ts',
        from: 'const { created } = await this.#store.putIfAbsent(this.key(version), body, { signal: this.#signal });',
        to: 'await this.#store.put(this.key(version), body, { signal: this.#signal }); const created = true;',
      },
    ],
  },
  {
    guard: 'The hint only moves forward',
    quick: true,
    replacements: [
      {
        file: 'ingestor/table/version-files.ts',
        from: 'if (hint !== undefined && hint.version >= version) return;',
        to: 'if (hint !== undefined && hint.version === version) return;',
      },
    ],
  },
  {
    guard: 'The hint names a version before anyone tells of it',
    quick: true,
    replacements: [
      {
        file: 'ingestor/table/commit.ts',
        from: 'await table.publish(state);\n        return step.done;',
        to: 'return step.done;',
      },
    ],
  },
  {
    guard: "A version is later than the one before, whatever a process's clock says",
    quick: true,
    replacements: [
      {
        file: 'ingestor/table/commit.ts',
        from: 'const time = Math.max(clock.now() + this.#ahead, (base?.lastCommitTime ?? 0) + 1);',
        to: 'const time = clock.now();',
      },
    ],
  },
  {
    guard: 'A round that is over is not committed again',
    quick: true,
    replacements: [
      {
        file: `${inlet}/round.ts`,
        from: 'if (state.round >= plan.round) return { done: { state, table, committed: true } };',
        to: '',
      },
      { file: `${inlet}/round.ts`, from: 'if (state.round !== plan.round - 1) {', to: 'if (false) {' },
    ],
  },
  {
    guard: 'A round follows on the one before it (n-1)',
    replacements: [{ file: `${inlet}/round.ts`, from: 'if (state.round !== plan.round - 1) {', to: 'if (false) {' }],
    unmissed:
      'A round that is over is recognised before; the check is for a table that went back to where no commit of ours left it, which properties do not.',
  },
  {
    guard: 'The plan of a round that stands is used',
    replacements: [
      {
        file: `${inlet}/round.ts`,
        from: 'return ofTable((await decide(dataset.store, key, RoundPlan, plan, waiting)).value, tableUUID);',
        to: 'await decide(dataset.store, key, RoundPlan, plan, waiting); return plan;',
      },
    ],
  },
  {
    guard: 'The receipt of a round that stands is used',
    replacements: [{ file: `${inlet}/round.ts`, from: 'return decided.value;', to: 'return receipt;' }],
    unmissed:
      'The loser deletes its files, so the round is passed over when they are looked for, and the next one takes the same segments: it saves that.',
  },
  {
    guard: 'Segments that were taken are not taken again',
    quick: true,
    replacements: [{ file: `${inlet}/round.ts`, from: 'return receipt.writers;', to: 'return {};' }],
  },
  {
    guard: 'The files of a round are looked for before it is committed',
    replacements: [
      {
        file: `${inlet}/round.ts`,
        from: 'const isWhole = await hasAllFiles(dataset, receipt, waiting);',
        to: 'const isWhole = true;',
      },
    ],
    unmissed:
      'It takes a round that waits for more than a day with its receipt, and an orphan cleaner meanwhile: too rare for these seeds.',
  },
  {
    guard: 'Own files older than a day are looked for before they are committed',
    replacements: [
      {
        file: `${commit}/own-files.ts`,
        from: 'if (age + (clock.now() - asked) < safeAge) return undefined;',
        to: 'return undefined;',
      },
    ],
    unmissed: 'It takes a run that was decided a day ago and an orphan cleaner meanwhile: too rare for these seeds.',
  },
  {
    guard: 'A sender is answered only after a clear yes',
    quick: true,
    replacements: [
      {
        file: `${inlet}/create-own.ts`,
        from: 'lastError = signal.aborted ? (lastError ?? thrown) : thrown;',
        to: 'return;',
      },
    ],
  },
  {
    guard: "A writer's own segment is recognised by its nonce",
    replacements: [
      {
        file: `${inlet}/create-own.ts`,
        from: 'if (created || (await isThere(store, own, signal))) return;',
        to: 'if (created) return;',
      },
    ],
    unmissed:
      'Without it a segment whose answer was lost stays unclear: its sender is told to send again, and nothing is lost or wrong. It keeps inlets alive.',
  },
  {
    guard: 'Of a writer, all below a segment that was seen are taken with it',
    replacements: [
      {
        file: `${inlet}/backlog.ts`,
        from: 'const sizes = Array.from({ length: to - from + 1 }, (_, index) => seen.get(from + index)?.size ?? 0);\n  return { writer, from, to,',
        to: 'const sizes = Array.from({ length: to - from + 1 }, (_, index) => seen.get(from + index)?.size ?? 0);\n  return { writer, from: Math.min(...seen.keys()), to,',
      },
    ],
  },
  {
    guard: 'Segments are deleted only after they were taken',
    quick: true,
    replacements: [
      {
        file: `${inlet}/garbage.ts`,
        from: 'if (progress !== undefined && segment.sequence <= progress.sequence && now',
        to: 'if (progress !== undefined && now',
      },
    ],
  },
  {
    guard: 'Segments stay for an hour',
    quick: true,
    replacements: [
      {
        file: `${inlet}/garbage.ts`,
        from: '&& now - lastModified > hour) garbage.push(key);',
        to: ') garbage.push(key);',
      },
    ],
  },
  {
    guard: 'The receipt that the table names is never deleted',
    replacements: [{ file: `${inlet}/garbage.ts`, from: '&& round !== state.taken && now', to: '&& now' }],
  },
  {
    guard: 'Orphaned manifests are deleted only behind a commit',
    replacements: [
      { file: `${maintain}/orphans.ts`, from: 'if (!movedOn(dataset, began.state, state)) {', to: 'if (false) {' },
      {
        file: `${maintain}/orphans.ts`,
        from: 'const before = began.time - day;',
        to: 'const before = began.time - 1;',
      },
    ],
  },
  {
    guard: 'Manifests that may belong to a commit under way stay for a day',
    replacements: [
      {
        file: `${maintain}/orphans.ts`,
        from: 'const before = began.time - day;',
        to: 'const before = began.time - 1;',
      },
    ],
  },
  {
    guard: 'A manifest of an earlier try is used again only for an hour',
    replacements: [
      {
        file: 'ingestor/table/iceberg/manifests.ts',
        from: 'const reusedMilliseconds = 3_600_000;',
        to: 'const reusedMilliseconds = Number.MAX_SAFE_INTEGER;',
      },
    ],
    unmissed:
      'It takes a commit that loses, sleeps for more than a day, and wins after maintain has cleaned up behind another commit: too rare for these seeds.',
  },
  {
    guard: 'Files of expired snapshots are deleted an hour later (two phases)',
    replacements: [
      {
        file: `${maintain}/expired-files.ts`,
        from: 'const before = (await storeTime(store, waiting)) - hour;',
        to: 'const before = (await storeTime(store, waiting)) + hour;',
      },
    ],
  },
  {
    guard: 'Before expired files are deleted the table is asked whether it names them',
    replacements: [
      {
        file: `${maintain}/expired-files.ts`,
        from: 'const garbage = await withoutNamedFiles(table, state, expiredFiles);',
        to: 'const garbage = expiredFiles;',
      },
    ],
    unmissed:
      'It takes a table that was rolled back to a snapshot whose expiry was broken off, and the next expiry of it: too rare for these seeds.',
  },
  {
    guard: 'Expired files wait until the snapshots that named them have left',
    replacements: [
      {
        file: `${maintain}/expired-files.ts`,
        from: 'if (expired === undefined || expired.snapshotIDs.some((id) => present.has(id))) continue;',
        to: 'if (expired === undefined) continue;',
      },
    ],
    unmissed: 'The table is asked again before the delete; this saves that for lists that are not due.',
  },
  {
    guard: 'Files of batches are compacted only when they cannot be reverted any more',
    replacements: [
      {
        file: `${maintain}/compaction.ts`,
        from: 'if (facts !== undefined && facts.lastModified <= before) old.add(key);',
        to: 'if (facts !== undefined) old.add(key);',
      },
    ],
  },
];
