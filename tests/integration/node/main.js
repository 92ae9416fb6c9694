// Runs the scenario named on the command line.
'use strict';

exports.run = (scenarios, Viewer) => {
    const name = process.argv[2];
    if (!scenarios[name]) {
        console.error(`no scenario ${name}; there are: ${Object.keys(scenarios).join(' ')}`);
        process.exit(2);
    }
    // A session that hangs shows what it saw last.
    setTimeout(() => {
        for (const viewer of Viewer.all.slice(-2))
            console.error('hangs; last messages:\n' + viewer.trace.slice(-25).join('\n'));
        process.exit(1);
    }, Number(process.env.DEADLINE) * 1000).unref();

    scenarios[name]().then(() => process.exit(0), error => {
        console.error(String(error.stack).slice(0, 4000));
        process.exit(1);
    });
};
