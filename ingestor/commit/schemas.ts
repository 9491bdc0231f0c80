import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';

/** The body of a schema by its digest, as text; checked against the digest. */
export declare function loadSchema(store: Store, digest: string, waiting: Waiting): Promise<string>;
