/** Reads YAML as kubectl does, and says what is wrong in words that help. */
import { type Document, LineCounter, parseAllDocuments, type Tags, visit, type YAMLError } from 'yaml';

export interface YamlDocument {
  /** From 1; empty documents count, and have null as their value. */
  readonly document: number;
  readonly value: unknown;
  /** `line 3: ...`; with one of these there is no value. */
  readonly problems: readonly string[];
}

export function readYaml(text: string): YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { ...kubectlDialect, lineCounter: lines, prettyErrors: false });
  return [...documents].map((parsed, index) => {
    const problems = [
      ...parsed.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${explain(error)}`),
      ...unresolvedAliases(parsed, lines),
    ];
    return { document: index + 1, ...content(parsed, problems) };
  });
}

/**
 * YAML 1.1, where yes, no, on and off are booleans and 0644 is octal; yet dates and times of day stay text. Merge keys
 * (<<) work.
 */
const kubectlDialect = {
  schema: 'yaml-1.1',
  merge: true,
  customTags: (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || !isTime(tag)),
} as const;

function isTime(tag: Exclude<Tags[number], string>): boolean {
  return tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME');
}

function content(parsed: Document.Parsed, problems: readonly string[]): Omit<YamlDocument, 'document'> {
  if (problems.length > 0) return { value: undefined, problems };
  try {
    return { value: parsed.toJS(), problems };
  } catch (error) {
    // Aliases that stand for more than they should.
    return { value: undefined, problems: [String(error instanceof Error ? error.message : error)] };
  }
}

function explain(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'a tab stands where spaces should: indent with spaces';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a colon with a space in plain text: put the text in quotes, or begin a new line';
    default:
      return error.message;
  }
}

/** `glob: *.csv` is a reference to a value that bears the name .csv. */
function unresolvedAliases(parsed: Document.Parsed, lines: LineCounter): string[] {
  const found: string[] = [];
  visit(parsed, {
    Alias: (_, alias) => {
      if (alias.resolve(parsed)) return;
      const { line } = lines.linePos(alias.range?.[0] ?? 0);
      found.push(`line ${line}: what begins with a star must be in quotes: write "*${alias.source}"`);
    },
  });
  return found;
}
