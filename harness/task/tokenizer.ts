/**
 * One token a character (a Unicode code point), whose id is its index among the sorted `characters`, plus BOS, which begins and
 * ends every document.
 */
export function tokenizerOf(documents: readonly string[]) {
  const distinct = new Set<string>();
  for (const document of documents) for (const character of document) distinct.add(character);
  // Python sorts by code point, JavaScript's default order is by UTF-16 unit.
  const characters = [...distinct].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0));
  const bos = characters.length;
  const idOf = new Map(characters.map((character, id) => [character, id]));
  return {
    characters,
    bos,
    encode(document: string): number[] {
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
