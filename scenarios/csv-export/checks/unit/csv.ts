/** The records of a file, read strictly by RFC 4180 with CRLF after every line; a file that is none is an error. */
export function records(text: string): string[][] {
  const found: string[][] = [];
  let record: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (!match) throw new Error(`This is no CSV: ${JSON.stringify(text.slice(at, at + 80))}`);
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === ",") continue;
    found.push(record);
    record = [];
  }
  if (record.length > 0) throw new Error("The last line has no end.");
  return found;
}
