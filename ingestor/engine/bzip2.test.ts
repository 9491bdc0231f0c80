import { expect, test } from 'vitest';
import { bunzip2 } from './bzip2.ts';
import { inPieces } from './readers/recorded.ts';

/** Written by bzip2 1.0.8. */
const written = {
  /** 300,000 bytes in blocks of 100,000. */
  abc: 'QlpoMTFBWSZTWVoLN+QAQRcBADgAIAAwzAUppqpCB1UhA1UhA8xQVkmU1laCzfkAEEXAQA4ACAAMMwFKaaqQgdVIQNVIQPMUFZJlNZWgs35ABBFwEAOAAgADDMBSmmqkIHVSEDVSEDzFBWSZTWbCfGSYAAAkBADgAIAAwzAmqaYrisV4u5IpwoSF5+Cy6A==',
  zeros: 'QlpoMTFBWSZTWXnTnkgAB6jAQMAAAAIACCAAMMwJqmmVJDapSQ8XckU4UJB5055I',
  empty: 'QlpoORdyRThQkAAAAAA=',
  text: 'QlpoOTFBWSZTWRUBQ0IAABHVgAAQQAEgED4P2qAgAFRn/qqMmhoZGBX+qpo0eoyMgTdqyWQ+WYaM0N5KrpqMkMJuF3iiWiy79y3aumF0HzCyDhFkXckU4UJAVAUNCA==',
};
const [abc, zeros, empty, text] = [written.abc, written.zeros, written.empty, written.text].map((data) =>
  Buffer.from(data, 'base64'),
) as [Buffer, Buffer, Buffer, Buffer];
const plain = 'All work and no play makes Jack a dull boy.\n'.repeat(3);

async function read(data: Uint8Array, piece = 64 * 1024): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bunzip2(inPieces(data, piece))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.each([
  ['of several blocks', abc, 'abc'.repeat(100_000)],
  ['of long runs', zeros, '\0'.repeat(1_000_000)],
  ['that is empty', empty, ''],
  ['of text', text, plain],
])('a stream %s', async (_name, data, expected) => {
  for (const piece of [1, 1000]) expect((await read(data, piece)).toString('latin1')).toBe(expected);
});

test('several streams, one after the other', async () => {
  expect((await read(Buffer.concat([text, empty, zeros, text]))).length).toBe(2 * plain.length + 1_000_000);
});

test.each([
  ['other data', Buffer.concat([text, Buffer.from('x')]), `is followed by something else at byte ${text.length}`],
  ['another level', Buffer.from('BZh0'), 'is damaged at byte'],
  ['no block', Buffer.from('BZh9AAAAAAAAAAAAAA'), 'is damaged before byte'],
])('%s is refused', async (_name, data, message) => {
  await expect(read(data)).rejects.toMatchObject({ code: 'UnreadableFile' });
  await expect(read(data)).rejects.toThrow(message);
});

test('a stream cut short ends early, wherever it is cut', async () => {
  for (let length = 3; length < text.length; length += 1) {
    await expect(read(text.subarray(0, length))).rejects.toThrow('Bzip2 data ends early');
  }
});

test('a flipped bit is found, or changes nothing', async () => {
  for (let bit = 0; bit < 8 * text.length; bit += 1) {
    const flipped = Buffer.from(text);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    const [outcome] = await Promise.allSettled([read(flipped)]);
    if (outcome.status === 'fulfilled') expect(outcome.value.toString()).toBe(plain);
    else expect(outcome.reason).toMatchObject({ code: 'UnreadableFile' });
  }
});
