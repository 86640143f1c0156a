/** JSON text as Go writes it: safe inside HTML. */

export function htmlSafe(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
