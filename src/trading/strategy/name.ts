/** A user's names are one whatever their case, their width, and the length of their gaps. */
export function nameKey(userId: string, name: string): string {
  const folded = name.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
  // So that user 'a:b' with the name 'c' is not user 'a' with the name 'b:c'.
  const user = userId.replaceAll('%', '%25').replaceAll(':', '%3A');
  return `strategy_name:${user}:${folded}`;
}
