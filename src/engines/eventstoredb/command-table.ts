import { hash } from 'node:crypto';

const firstCapacity = 8;
const fullest = 0.6;

/**
 * For one stream: at which revisions the events of a command begin. An open-addressed table of
 * numbers, some 30 bytes an entry; it may give a revision of another command, never miss one.
 */
export function createCommandTable() {
  let slots = new Float64Array(2 * firstCapacity).fill(-1);
  let size = 0;

  function place(key: number, revision: number): void {
    const capacity = slots.length / 2;
    let at = key % capacity;
    while (slots[2 * at + 1] !== -1) at = (at + 1) % capacity;
    slots[2 * at] = key;
    slots[2 * at + 1] = revision;
  }

  function grow(): void {
    const before = slots;
    slots = new Float64Array(2 * before.length).fill(-1);
    for (let at = 0; at < before.length; at += 2) {
      const revision = before[at + 1] ?? -1;
      if (revision !== -1) place(before[at] ?? 0, revision);
    }
  }

  return {
    size: () => size,
    add: (key: number, revision: number): void => {
      if (size >= (slots.length / 2) * fullest) grow();
      place(key, revision);
      size += 1;
    },
    /** In ascending order. */
    revisionsOf: (key: number): number[] => {
      const capacity = slots.length / 2;
      const found: number[] = [];
      for (let at = key % capacity; slots[2 * at + 1] !== -1; at = (at + 1) % capacity) {
        if (slots[2 * at] === key) found.push(slots[2 * at + 1] ?? -1);
      }
      return found.sort((a, b) => a - b);
    },
  };
}

export type CommandTable = ReturnType<typeof createCommandTable>;

/** 48 bits of a hash: whole bytes that a number holds exactly. */
export function commandKey(causationId: string): number {
  return Number.parseInt(hash('sha1', causationId, 'hex').slice(0, 12), 16);
}
