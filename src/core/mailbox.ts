// Whom a path in MAIL or RCPT means, however it is written: "<@relay.example:"a b"@c.example>" and "< a\ b@c.example >" are one
// mailbox. Rules compare this form, or whoever writes a backslash would get past them; Postfix has it in its policy requests.
// What goes to a mail server stays as the client wrote it. Pure; never throws.

/**
 * The address without brackets, without the route in front of it (RFC 5321 appendix C), with quotes and backslashes resolved
 * (s4.1.2), and without blanks and comments, which Postfix takes too. '' for the null path.
 */
export function mailboxOf(path: string): string {
  const address = path.trim().replace(/^<(.*)>$/s, '$1');
  const direct = address.replace(/^\s*@[^:"]*:/, '');
  return /[\s"\\(]/.test(direct) ? resolved(direct) : direct;
}

/** The mailboxes that everybody may reach (RFC 5321 s4.5.1, RFC 2142 s4), wherever they are; undefined: another one. */
export function roleOf(address: string): 'postmaster' | 'abuse' | undefined {
  const [role] = /^(?:postmaster|abuse)(?=@|$)/i.exec(address) ?? [];
  return role?.toLowerCase() as 'postmaster' | 'abuse' | undefined;
}

function resolved(address: string): string {
  let out = '';
  let isQuoted = false;
  let comments = 0;
  for (let i = 0; i < address.length; i++) {
    const char = address.charAt(i);
    const isEscaped = char === '\\' && i + 1 < address.length;
    const octet = isEscaped ? address.charAt(++i) : char;
    if (isEscaped || isQuoted) {
      if (comments === 0 && (isEscaped || char !== '"')) out += octet;
      if (!isEscaped && char === '"') isQuoted = false;
    } else if (char === '(') comments++;
    else if (char === ')' && comments > 0) comments--;
    else if (comments > 0) continue;
    else if (char === '"') isQuoted = true;
    else if (!/\s/.test(char)) out += char;
  }
  return out;
}
