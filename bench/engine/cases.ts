/** What is measured. A gigabyte of the main case with one and two threads; less of all others, whose speed is per byte. */
export interface BenchCase {
  readonly name: string;
  readonly input: string;
  readonly megabytes: number;
  readonly threads: number;
  /** The case whose speed this one's is held against. */
  readonly main: string;
}

const shapes = ['small', 'wide', 'long', 'allbad'];
const mainMegabytes = 1_000;
const otherMegabytes = 200;

export const cases: readonly BenchCase[] = ['csv', 'jsonl'].flatMap((format) => {
  const main = `${format}-1-thread`;
  const events = { input: `events-${format}`, megabytes: mainMegabytes, main };
  const others = shapes.map((shape) => ({
    name: `${shape}-${format}-1-thread`,
    input: `${shape}-${format}`,
    megabytes: otherMegabytes,
    threads: 1,
    main,
  }));
  return [{ ...events, name: main, threads: 1 }, { ...events, name: `${format}-2-threads`, threads: 2 }, ...others];
});
