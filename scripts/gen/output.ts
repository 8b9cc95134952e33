// What a generator makes: files and their contents.

/** A generated file. Paths are relative to the root of the project. */
export interface Output {
  readonly path: string;
  readonly content: string;
}

/** The outputs that differ from what `read` finds; it returns null for a file that is not there. */
export function staleOutputs(outputs: readonly Output[], read: (path: string) => string | null): readonly Output[] {
  return outputs.filter(({ path, content }) => read(path) !== content);
}
