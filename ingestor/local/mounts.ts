/** What the kubelet does for a pod: keys of Secrets and ConfigMaps as files, in a folder that only this user can read. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Mounted, taskFolder } from '../../operator/specs/place.ts';
import { ForebayError } from '../contract/errors.ts';
import type { S3Location } from '../contract/task.ts';
import type { Catalog } from './catalog.ts';

interface MountedFiles {
  readonly credentialsPath?: string;
  readonly caPath?: string;
}

export class Mounts {
  readonly #catalog: Catalog;
  readonly #folder: string;
  #count = 0;

  private constructor(catalog: Catalog, folder: string) {
    this.#catalog = catalog;
    this.#folder = folder;
  }

  static async make(catalog: Catalog): Promise<Mounts> {
    return new Mounts(catalog, await mkdtemp(join(tmpdir(), 'forebay-')));
  }

  /** The location with its files in place. Throws CredentialsRefused for what is not among the manifests. */
  async place(location: S3Location, projections: Mounted['projections'], namespace: string): Promise<S3Location> {
    return (await this.mount(projections, namespace))(location);
  }

  /** Puts files in place; what names them in a pod is then made to name them here. */
  async mount(projections: Mounted['projections'], namespace: string): Promise<<T extends MountedFiles>(at: T) => T> {
    const folder = this.#next();
    for (const projection of projections) await this.#project(projection, namespace, folder);
    const moved = (path: string) => join(folder, path.slice(taskFolder.length));
    return (at) => ({
      ...at,
      ...(at.credentialsPath !== undefined && { credentialsPath: moved(at.credentialsPath) }),
      ...(at.caPath !== undefined && { caPath: moved(at.caPath) }),
    });
  }

  /** A folder with all keys of a Secret. */
  async secret(namespace: string, name: string): Promise<string> {
    const folder = this.#next();
    await writeKeys(folder, this.#data('Secret', namespace, name, false));
    return folder;
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #next(): string {
    this.#count += 1;
    return join(this.#folder, String(this.#count));
  }

  async #project(
    { secret, configMap }: Mounted['projections'][number],
    namespace: string,
    folder: string,
  ): Promise<void> {
    const source = secret ?? configMap;
    if (source?.name === undefined) return;
    const optional = source.optional ?? false;
    const data = this.#data(secret ? 'Secret' : 'ConfigMap', namespace, source.name, optional);
    const files: Record<string, string> = {};
    for (const { key, path } of source.items ?? []) {
      const value = data[key];
      if (value !== undefined) files[path] = value;
      else if (!optional) throw new ForebayError('CredentialsRefused', `${source.name} has no key ${key}`);
    }
    await writeKeys(folder, files);
  }

  #data(kind: 'Secret' | 'ConfigMap', namespace: string, name: string, optional: boolean): Record<string, string> {
    const data = this.#catalog.data(kind, namespace, name);
    if (data !== undefined || optional) return data ?? {};
    throw new ForebayError('CredentialsRefused', `no ${kind} ${name} is among the manifests: add its file with -f`);
  }
}

async function writeKeys(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, text, { mode: 0o600 });
  }
}
