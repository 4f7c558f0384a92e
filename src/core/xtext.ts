// xtext (RFC 3461 s4): octets as one word of printable ASCII, as Postfix has them in XCLIENT and in what it says of a
// client's certificate. Pure; strings are latin1, one character is one octet.

/**
 * RFC 3461 s4: "+" and two hexadecimal digits may stand for any octet, and here do for all but letters, digits and ". _ - :".
 * Seen in Postfix 3.7: a quote, bracket or backslash in a command begins a word that goes on over blanks. A client whose HELO
 * is a quote would have NAME and ADDR swallowed, be answered 220, and be taken for us.
 */
export function printXtext(octets: string): string {
  return octets.replace(
    /[^A-Za-z0-9._:-]/g,
    (octet) => `+${(octet.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The octets, or undefined if it is no xtext (lower-case digits are none either). */
export function readXtext(xtext: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(xtext)) return undefined;
  return xtext.replace(/\+(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
