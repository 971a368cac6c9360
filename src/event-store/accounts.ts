import type { Account } from './credentials.ts';

/**
 * A file of users: on each line a name, a password, and, if any, groups with commas between them;
 * between these, spaces. `#` begins a line that is a comment.
 *
 *     admin  changeit  $admins
 *     ada    s3cret    analysts,auditors
 *
 * @throws Error that names the line, and nothing that is in it
 */
export function readAccounts(text: string): Account[] {
  const accounts = text.split('\n').flatMap((line, index) => {
    const words = line.trim().split(/\s+/);
    const [name = '', password, groups = '', ...rest] = words;
    if (name === '' || name.startsWith('#')) return [];
    if (password === undefined || rest.length > 0 || name.includes(':')) {
      throw new Error(`line ${index + 1} of the users is not "name password [group,group]"`);
    }
    return [{ name, password, groups: groups.split(',').filter((group) => group !== '') }];
  });
  if (accounts.length === 0) throw new Error('the file of users names none');
  return accounts;
}
