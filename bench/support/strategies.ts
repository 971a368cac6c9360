import { StrategyCreatedSchema } from '../../src/gen/cipherhorizon/trading/v1/events_pb.ts';
import { commandEvent, type StreamEvent, uuidOf } from './events.ts';
import { createRandom } from './random.ts';
import { strategyTerms } from './trading-mix.ts';

/** Who has one of two strategies; the others belong to many, a few hundred to each. */
export const largeOwner = 'desk';
const smallOwners = 250;

const manners = words(`calm bold steady quick patient early late broad narrow quiet sharp nimble
  robust gentle strict hidden inverse relative seasonal weekly nightly overnight intraday adaptive`);
const ideas = words(`momentum reversion breakout trend channel carry swing range spread pairs gap
  scalping rotation divergence crossover pullback arbitrage hedging ladder straddle basket volatility
  liquidity imbalance`);
const assets = words(`bitcoin ether solana litecoin cardano polkadot ripple dogecoin monero stellar
  tezos cosmos uniswap chainlink avalanche algorand`);
const places = words(`Zürich Tōkyō London Chicago Genève Singapore Frankfurt Oslo Montréal Lisbon`);

const startMs = Date.UTC(2024, 0, 1);

/** So many strategies that have just been created, the same ones in every run. */
export function* strategyLog(count: number): Generator<StreamEvent> {
  const random = createRandom(2);
  for (let i = 0; i < count; i += 1) {
    const id = strategyIdOf(i);
    const strategyName = `${nameOf(random)} ${i}`;
    const terms = { ...strategyTerms(id, i, startMs + i, ownerOf(i)), strategyName };
    const event = commandEvent(StrategyCreatedSchema, id, terms, startMs + i);
    yield { stream: `strategy-${id}`, event };
  }
}

export function strategyIdOf(index: number): string {
  return uuidOf(`strategy ${index}`);
}

export function ownerOf(index: number): string {
  return index % 2 === 0 ? largeOwner : smallOwnerOf((index - 1) / 2);
}

export function documentsOfSmallOwner(documents: number): number {
  return Math.ceil(documents / 2 / smallOwners);
}

export function smallOwnerOf(index: number): string {
  return `user-${index % smallOwners}`;
}

/**
 * What people type: of four one a word, one two words, one the beginning of a word, one a word with
 * a wrong letter.
 */
export function searchTextOf(index: number, random: () => number): string {
  const word = someOf([manners, ideas, assets, places][Math.floor(random() * 4)] ?? ideas, random);
  switch (index % 4) {
    case 0:
      return word;
    case 1:
      return `${someOf(manners, random)} ${someOf(ideas, random)}`;
    case 2:
      return word.slice(0, 3);
    default:
      return misspelt(word, random);
  }
}

/** Half of the words that there are make up nine of ten that are used. */
function nameOf(random: () => number): string {
  const [manner, idea] = [someOf(manners, random), someOf(ideas, random)];
  return `${manner} ${idea} ${someOf(assets, random)} ${someOf(places, random)}`;
}

function someOf(list: readonly string[], random: () => number): string {
  return list[Math.floor(random() ** 2 * list.length)] ?? '';
}

function misspelt(word: string, random: () => number): string {
  const at = 1 + Math.floor(random() * (word.length - 2));
  return `${word.slice(0, at)}${word[at + 1]}${word[at]}${word.slice(at + 2)}`;
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
