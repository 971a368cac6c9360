/** Who calls: the subject of its token and the roles that it names. */
export type Principal = { readonly subject: string; readonly roles: readonly string[] };
