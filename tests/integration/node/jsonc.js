// What VS Code reads of its settings: prints the files named on the command line as one JSON list, or fails where its parser
// has anything to say. With a text on standard input: {"begins":…,"ends":…,"lines":[…]}, which lines two patterns fit.
'use strict';

const fs = require('fs');
const path = require('path');
const {parse, printParseErrorCode} = require(path.join(process.env.NODE_PACKAGES, 'node_modules', 'jsonc-parser'));

if (process.argv[2] === '--patterns') {
    const {begins, ends, lines} = JSON.parse(fs.readFileSync(0, 'utf8'));
    const fits = pattern => lines.flatMap((line, number) => new RegExp(pattern).test(line) ? [number] : []);
    console.log(JSON.stringify({begins: fits(begins), ends: fits(ends)}));
} else {
    console.log(JSON.stringify(process.argv.slice(2).map(file => {
        const errors = [];
        const value = parse(fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, ''), errors, {allowTrailingComma: true});
        for (const {error, offset} of errors) {
            console.error(`${file}: ${printParseErrorCode(error)} at ${offset}`);
            process.exitCode = 1;
        }
        return value;
    })));
}
