/** One token a character (a Unicode code point), plus BOS, which begins and ends every document. */
interface Tokenizer {
  /** Sorted; the id of a character is its index here. */
  readonly characters: readonly string[];
  readonly bos: number;
  /** `[BOS, …, BOS]`. */
  encode(document: string): number[];
}

export function tokenizerOf(documents: readonly string[]): Tokenizer {
  const distinct = new Set<string>();
  for (const document of documents) for (const character of document) distinct.add(character);
  // Python sorts by code point, JavaScript's default order is by UTF-16 unit.
  const characters = [...distinct].sort((a, b) => codePoint(a) - codePoint(b));
  const bos = characters.length;
  const idOf = new Map(characters.map((character, id) => [character, id]));
  return {
    characters,
    bos,
    encode(document) {
      const tokens = [bos];
      for (const character of document) {
        const id = idOf.get(character);
        if (id === undefined) throw new RangeError(`The vocabulary has no ${JSON.stringify(character)}.`);
        tokens.push(id);
      }
      tokens.push(bos);
      return tokens;
    },
  };
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}
