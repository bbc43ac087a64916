// Plain values for what schemas ask for.

// Exact in binary, so that arithmetic on them is, too.
const NUMBERS = [1.5, 0.5, 2.0, 4.0];
const INTEGERS = [6, 3, 2, 1];

/** A value for the property, or undefined where it takes more than a plain one. */
function plain(schema, index) {
  if (schema.enum) return schema.enum[0];
  if (schema.oneOf) return schema.oneOf[0].const;
  const kind = [schema.type].flat().find((name) => name !== 'null');
  if (kind === 'string') return 'text';
  if (kind === 'number') return NUMBERS[index % NUMBERS.length];
  if (kind === 'integer') return INTEGERS[index % INTEGERS.length];
  if (kind === 'boolean') return true;
  return undefined;
}

/** Arguments of plain values, or undefined where a required one cannot be had. */
export function argumentsFor(schema) {
  const chosen = {};
  let numbers = 0;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value = plain(property, numbers);
    if (value === undefined) continue;
    chosen[name] = value;
    if (typeof value === 'number') numbers += 1;
  }
  return (schema.required ?? []).every((name) => name in chosen) ? chosen : undefined;
}

/** What a user puts into a form: its defaults, or anything. */
export function filledIn(schema) {
  const values = {};
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const value = property.default ?? plain(property, 0);
    if (value !== undefined) values[name] = value;
  }
  return values;
}
