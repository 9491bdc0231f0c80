/** What lets us into a catalog: a token from a file, or one that a client id and its secret are exchanged for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { findMember, noAnswer } from './answers.ts';
import type { Http, HttpAnswer } from './http.ts';
import { NoAnswer } from './http.ts';

export interface CredentialsSettings {
  /** A folder with the file `token`, or with `clientID` and `clientSecret`; absent: no authentication. */
  readonly path: string | undefined;
  /** Where a client id is exchanged for a token. */
  readonly tokenURL: URL;
  readonly scope: string;
}

interface Token {
  readonly value: string;
  /** Milliseconds since 1970 from which on it is no longer used. */
  readonly until: number;
}

/** A token is renewed when a tenth of its life is left, or this much when that is less. */
const renewMilliseconds = 60_000;

export class Credentials {
  readonly #settings: CredentialsSettings;
  readonly #http: Http;
  readonly #clock: Clock;
  #exchanged: Token | undefined;
  #exchange: Promise<Token> | undefined;

  constructor(settings: CredentialsSettings, http: Http, clock: Clock) {
    this.#settings = settings;
    this.#http = http;
    this.#clock = clock;
  }

  get areNamed(): boolean {
    return this.#settings.path !== undefined;
  }

  /**
   * Value of the Authorization header, if there is to be one. Files are read each time, so what was rotated is used at
   * once. Throws CredentialsRefused when they are not let in, CatalogUnavailable when nobody answers.
   */
  async authorization(signal: AbortSignal): Promise<string | undefined> {
    const { path } = this.#settings;
    if (path === undefined) return undefined;
    const token = await readKey(path, 'token');
    if (token) return `Bearer ${token}`;
    if (this.#exchanged === undefined || this.#clock.now() >= this.#exchanged.until) {
      // Those who come while it is under way wait for the same one.
      this.#exchange ??= this.#obtain(path, signal).finally(() => {
        this.#exchange = undefined;
      });
      this.#exchanged = await this.#exchange;
    }
    return `Bearer ${this.#exchanged.value}`;
  }

  /** The catalog refused this one. True when it was exchanged for, so that the next is another one. */
  forget(authorization: string | undefined): boolean {
    if (authorization !== `Bearer ${this.#exchanged?.value}`) return false;
    this.#exchanged = undefined;
    return true;
  }

  async #obtain(path: string, signal: AbortSignal): Promise<Token> {
    const { tokenURL, scope } = this.#settings;
    const [clientID, clientSecret] = await Promise.all([readKey(path, 'clientID'), readKey(path, 'clientSecret')]);
    if (!clientID || !clientSecret) {
      const missing = clientID ? 'clientSecret' : 'clientID';
      const message = `the Secret with the catalog's credentials has neither token nor ${missing}`;
      throw new ForebayError('CredentialsRefused', message);
    }
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientID,
      client_secret: clientSecret,
      scope,
    });
    const began = this.#clock.now();
    return this.#read(await this.#post(tokenURL, form, signal), began);
  }

  async #post(url: URL, form: URLSearchParams, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    try {
      return await this.#http.send({ method: 'POST', url, headers, body: form.toString() }, signal);
    } catch (thrown) {
      throw thrown instanceof NoAnswer ? noAnswer(this.#place(), 'ask for a token', thrown) : thrown;
    }
  }

  #read({ status, text }: HttpAnswer, began: number): Token {
    if (status === 200) {
      const value = findMember(text, 'access_token');
      if (typeof value !== 'string' || value === '') {
        throw new ForebayError('CatalogUnavailable', `${this.#place()} answers without a token`);
      }
      return { value, until: began + lifeMilliseconds(findMember(text, 'expires_in')) };
    }
    const word = findMember(text, 'error');
    // Of RFC 6749, so no secret is in it.
    const said = typeof word === 'string' && /^[a-z_]{1,40}$/.test(word) ? `${status} ${word}` : String(status);
    if (said.endsWith('invalid_scope')) {
      throw new ForebayError(
        'CatalogRefused',
        `${this.#place()} does not know the scope: check table.catalog.rest.scope`,
      );
    }
    if (status === 400 || status === 401 || status === 403) {
      const message = `${this.#place()} refused the client id or its secret (${said}): mend the Secret`;
      throw new ForebayError('CredentialsRefused', message);
    }
    throw new ForebayError('CatalogUnavailable', `${this.#place()} gives no token (${said})`);
  }

  #place(): string {
    const { origin, pathname } = this.#settings.tokenURL;
    return origin + pathname;
  }
}

/** Without a word about it, a token is used until it is refused. */
function lifeMilliseconds(seconds: unknown): number {
  if (typeof seconds !== 'number' || !(seconds > 0)) return Number.POSITIVE_INFINITY;
  const life = 1_000 * seconds;
  return life - Math.min(renewMilliseconds, life / 10);
}

async function readKey(folder: string, name: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, name), 'utf8')).trim();
  } catch {
    return undefined;
  }
}
