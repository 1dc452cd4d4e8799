/** Breaks a text between words so that no line is longer than `width`, where words allow it; lines after the first are indented. */
export function wrap(text: string, width: number, indent = '  '): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    const longer = line === '' || line === indent ? line + word : `${line} ${word}`;
    if (longer.length > width && line.trim() !== '') lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines.join('\n');
}
