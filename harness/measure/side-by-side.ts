/** Works on all items, so many at a time, in their order. If work on one fails, it ends when what has begun has ended. */
export async function sideBySide<T>(many: number, items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    try {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: many }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
