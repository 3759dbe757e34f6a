// Writes the table of docs/moving-from-matomo.md that says what becomes of each method of
// Matomo's tracker, from what matomo.ts and inert.ts say of their methods. Run by
// go generate; with --print it prints the table.
import { readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";

const parse = (name) => {
  const text = readFileSync(new URL(name, import.meta.url), "utf8");
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
};

/** Returns the doc comment right before a node, if there is one. */
const said = (node) => ts.getJSDocCommentsAndTags(node).map(({ comment }) => ts.getTextOfJSDocComment(comment))[0];

/** Finds the first declaration of a constant, wherever it is. */
function constant(node, name) {
  if (ts.isVariableDeclaration(node) && node.name.getText() === name) return node;
  return ts.forEachChild(node, (child) => constant(child, name));
}

const rows = [];
for (const property of constant(parse("matomo.ts"), "tracker").initializer.properties) {
  const about = said(property);
  if (about) rows.push({ about, names: [] });
  rows.at(-1).names.push(property.name.getText());
}
for (const statement of parse("inert.ts").statements) {
  const [{ initializer }] = statement.declarationList.declarations;
  if (ts.isNoSubstitutionTemplateLiteral(initializer)) rows.push({ about: said(statement), names: initializer.text.split(/\s+/) });
}

const table = ["| calls of `_paq` or of a tracker | in Fotspor |", "|---|---|"]
  .concat(rows.map(({ about, names }) => `| ${names.map((name) => `\`${name}\``).join(", ")} | ${about} |`))
  .join("\n");

if (process.argv[2] === "--print") {
  console.log(table);
} else {
  const file = new URL("../../docs/moving-from-matomo.md", import.meta.url);
  const text = readFileSync(file, "utf8");
  const fresh = text.replace(/(<!-- table of methods[^>]*-->\n)[^]*?(<!-- end of table -->)/, (_, before, after) => `${before}${table}\n${after}`);
  if (fresh !== text) writeFileSync(file, fresh);
}
