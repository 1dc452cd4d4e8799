/** One line on a terminal's standard error that is written over; nothing at all where that is not a terminal. */
export interface StatusLine {
  show(text: string): void;
  clear(): void;
}

export function statusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  const clearLine = '\r\u001b[K';
  let shown = false;
  return {
    show: (text) => {
      shown = true;
      stream.write(clearLine + text.slice(0, stream.columns - 1));
    },
    clear: () => {
      if (shown) stream.write(clearLine);
      shown = false;
    },
  };
}
