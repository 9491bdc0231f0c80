/** For tests: archives as programs write them, and as they should not. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipFile {
  readonly name: string;
  readonly data: string | Uint8Array;
  /** Default: 8, Deflate. */
  readonly method?: number;
  /** As it is stored; default: `data` by the method. */
  readonly stored?: Uint8Array;
  readonly flags?: number;
  readonly crc?: number;
  /** Type and rights as Unix has them. */
  readonly mode?: number;
  readonly size?: number;
  /** Sizes and offset stand in the extra field, as for files of 4 GiB. */
  readonly zip64?: boolean;
}

const most32 = 0xffffffff;

/** `zip64`: the directory is told by the record for large archives. */
export function zipOf(files: readonly ZipFile[], { zip64 = false, comment = '' } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const { local, central } = zipEntry(file, offset);
    parts.push(local);
    directory.push(central);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([
    ...parts,
    central,
    zipEnd(files.length, offset, central.length, zip64),
    endOf(files.length, offset, central.length, comment),
  ]);
}

function zipEntry(file: ZipFile, offset: number): { local: Buffer; central: Buffer } {
  const { method = 8, flags = 0, mode = 0 } = file;
  const data = Buffer.from(file.data);
  const stored = file.stored ?? (method === 8 ? deflateRawSync(data) : data);
  const name = Buffer.from(file.name);
  const { crc = crc32(data), size = data.length } = file;
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50);
  local.writeUInt16LE(flags, 6);
  local.writeUInt16LE(method, 8);
  local.writeUInt16LE(name.length, 26);
  // Programs add other fields here than in the directory.
  const localExtra = Buffer.from([0x55, 0x54, 1, 0, 0]);
  local.writeUInt16LE(localExtra.length, 28);
  const extra = file.zip64 ? Buffer.alloc(28) : Buffer.alloc(0);
  if (file.zip64) {
    extra.writeUInt16LE(1);
    extra.writeUInt16LE(24, 2);
    for (const [index, value] of [size, stored.length, offset].entries())
      extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  }
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50);
  central[5] = mode === 0 ? 0 : 3;
  central.writeUInt16LE(flags, 8);
  central.writeUInt16LE(method, 10);
  central.writeUInt32LE(crc, 16);
  central.writeUInt32LE(file.zip64 ? most32 : stored.length, 20);
  central.writeUInt32LE(file.zip64 ? most32 : size, 24);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt16LE(extra.length, 30);
  central.writeUInt16LE(mode, 40);
  central.writeUInt32LE(file.zip64 ? most32 : offset, 42);
  return { local: Buffer.concat([local, name, localExtra, stored]), central: Buffer.concat([central, name, extra]) };
}

function zipEnd(entries: number, start: number, bytes: number, zip64: boolean): Buffer {
  if (!zip64) return Buffer.alloc(0);
  const end = Buffer.alloc(56);
  end.writeUInt32LE(0x06064b50);
  end.writeBigUInt64LE(BigInt(entries), 32);
  end.writeBigUInt64LE(BigInt(bytes), 40);
  end.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50);
  locator.writeBigUInt64LE(BigInt(start + bytes), 8);
  return Buffer.concat([end, locator]);
}

function endOf(entries: number, start: number, bytes: number, comment: string): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(entries, 10);
  end.writeUInt32LE(bytes, 12);
  end.writeUInt32LE(start, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([end, Buffer.from(comment)]);
}

export interface TarFile {
  readonly name: string;
  readonly data?: string | Uint8Array;
  /** Default: `0`, a regular file. */
  readonly type?: string;
  /** Default: that of the data. */
  readonly size?: number;
  readonly prefix?: string;
  /** Default: POSIX's. */
  readonly magic?: string;
}

/** With the two blocks of zeros that end it. */
export function tarOf(files: readonly TarFile[]): Buffer {
  return Buffer.concat([...files.map(tarEntry), Buffer.alloc(1024)]);
}

export function tarEntry({
  name,
  data = '',
  type = '0',
  prefix = '',
  magic = 'ustar\u000000',
  ...rest
}: TarFile): Buffer {
  const bytes = Buffer.from(data);
  const { size = bytes.length } = rest;
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write(type, 156, 'latin1');
  header.write(magic, 257, 'latin1');
  header.write(prefix, 345, 155);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The attributes that pax writes before an entry. */
export function paxEntry(attributes: Readonly<Record<string, string>>): TarFile {
  const lines = Object.entries(attributes).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const length = Buffer.byteLength(rest);
    const digits = String(length + String(length).length).length;
    return `${length + digits}${rest}`;
  });
  return { name: 'PaxHeader', type: 'x', data: lines.join('') };
}
