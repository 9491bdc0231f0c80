import { describe, expect, test } from 'vitest';
import { planRecords } from '../engine/plan/index.ts';
import { parseSchemaDocument } from '../engine/schemadocument.ts';
import { JsonLinesWalker } from '../engine/walkers/jsonlines.ts';
import { ColumnSet } from './columnset.ts';
import { type CheckText, Kernel } from './kernel.ts';

/** Keeps what it was asked. */
class AskedKernel extends Kernel {
  readonly asked: string[] = [];

  override addCheck(check: CheckText): number {
    return super.addCheck((text) => {
      this.asked.push(text);
      return check(text);
    });
  }
}

const schema = {
  type: 'object',
  properties: {
    values: {
      type: 'object',
      properties: { other: { type: 'string', enum: ['c', 'd'] } },
      additionalProperties: { type: 'string', enum: ['a', 'b', 'c'] },
    },
  },
};

class Lines {
  readonly kernel = new AskedKernel();
  readonly set: ColumnSet;
  readonly #walker: JsonLinesWalker;

  constructor() {
    const plan = planRecords(parseSchemaDocument(JSON.stringify(schema)));
    if (!plan) throw new Error('the walker does not take the schema');
    this.set = new ColumnSet(this.kernel, plan.shape);
    this.#walker = new JsonLinesWalker(this.kernel, plan, 1000);
  }

  /** True when it is a row now. */
  take(values: object): boolean {
    const line = Buffer.from(`${JSON.stringify({ values })}\n`);
    const at = this.kernel.run.allocate(line.length + 64) >>> 0;
    line.copy(this.kernel.bytes, at);
    return this.#walker.take(at, at + line.length, 1).rows === 1;
  }
}

describe('a check of texts', () => {
  test('is asked once for each distinct value', () => {
    const lines = new Lines();
    for (let row = 0; row < 10; row += 1) expect(lines.take({ one: 'a', two: 'b' })).toBe(true);
    expect(lines.kernel.asked).toEqual(['a', 'b']);
  });

  test('is asked also where the value has passed another check of the same leaf', () => {
    const lines = new Lines();
    expect(lines.take({ one: 'a' })).toBe(true);
    expect(lines.take({ other: 'a' })).toBe(false);
    expect(lines.take({ one: 'c', other: 'c' })).toBe(true);
    expect(lines.take({ other: 'd' })).toBe(true);
    expect(lines.take({ one: 'd' })).toBe(false);
    expect(lines.set.rows).toBe(3);
  });

  test('is asked where the value was added without one', () => {
    const lines = new Lines();
    lines.set.add([[{ key: 'one', value: 'd' }]]);
    expect(lines.take({ one: 'd' })).toBe(false);
  });

  test('is asked again after a row with the value was dropped, and after all rows were forgotten', () => {
    const lines = new Lines();
    expect(lines.take({ one: 'a', two: 'no' })).toBe(false);
    expect(lines.take({ one: 'a' })).toBe(true);
    lines.set.clear();
    expect(lines.take({ one: 'a' })).toBe(true);
    expect(lines.kernel.asked).toEqual(['a', 'no', 'a', 'a']);
  });
});
