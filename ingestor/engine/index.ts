/** The engine in force: parse to objects, ajv, hyparquet-writer. */
import { ForebayError } from '../contract/errors.ts';
import type { Engine, EngineSettings } from './engine.ts';

export {
  type Behavior,
  type Column,
  type ColumnType,
  type CompiledSchema,
  compileSchema,
  type RecordError,
} from './schema.ts';

/** Throws ForebayError InvalidSchema or InvalidMapping. */
export function createEngine(settings: EngineSettings): Engine {
  throw new ForebayError('InternalError', `not implemented yet (${settings.compression})`);
}
