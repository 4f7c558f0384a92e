// What some mail server somewhere has taken for the end of a message: the list of the SMTP-Smuggling-Tools scanner, and as many
// of our own. Two of them are one (RFC 5321 s4.1.1.4).

/** What it is for us: plain content, a reason to refuse the message (bare CR, bare LF or NUL), its end, or both of these. */
export type Meaning = 'content' | 'refused' | 'end' | 'refused end';

/** One character is one octet. */
export const endsOfData: readonly (readonly [octets: string, meaning: Meaning])[] = [
  ['\n.\n', 'refused'],
  ['\n.\r', 'refused'],
  ['\r.\n', 'refused'],
  ['\r.\r', 'refused'],
  ['\n.\r\n', 'refused'],
  ['\r.\r\n', 'refused'],
  ['\r\n.\r\r\n', 'refused'],
  ['\r\r\n.\r\r\n', 'refused'],
  ['\r\n\0.\r\n', 'refused'],
  ['\r\n.\n', 'refused'],
  ['\r\n.\r', 'refused'],
  ['\n.\n\r', 'refused'],
  ['\r\n.\0\r\n', 'refused'],
  ['\r\0\n.\r\0\n', 'refused'],
  ['\r\n. \r\n', 'content'],
  ['\r\n.\t\r\n', 'content'],
  ['\r\n..\r\n', 'content'],
  ['\n..\r\n', 'refused'],
  ['\n..\n', 'refused'],
  ['\n\r.\n\r', 'refused'],
  ['\x85.\x85', 'content'],
  ['\x0b.\x0b', 'content'],
  ['\x0c.\x0c', 'content'],
  ['\x8d\x8a.\x8d\x8a', 'content'],
  ['\xe2\x80\xa8.\xe2\x80\xa8', 'content'],
  ['\r\r\n.\r\n', 'refused end'],
  ['\r\n\r\n.\r\n', 'end'],
];
