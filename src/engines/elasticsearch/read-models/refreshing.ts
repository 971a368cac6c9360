/**
 * One refresh at a time of each index, shared by all that wait: who asks while one is under way
 * cannot know whether it shows his write, and shares the next.
 */
export function createRefreshing(refresh: (index: string) => Promise<void>) {
  type Turn = { readonly now: Promise<void>; next: Promise<void> | undefined };
  const turns = new Map<string, Turn>();

  function start(index: string): Promise<void> {
    const now = refresh(index);
    const turn: Turn = { now, next: undefined };
    turns.set(index, turn);
    const over = () => {
      if (turns.get(index) === turn) turns.delete(index);
    };
    now.then(over, over);
    return now;
  }

  return (index: string): Promise<void> => {
    const turn = turns.get(index);
    if (turn === undefined) return start(index);
    turn.next ??= turn.now.then(
      () => start(index),
      () => start(index),
    );
    return turn.next;
  };
}
