// Node's own type stripping, so that a test runs the same JavaScript as the program. The types are
// blanked out in place: line and column in a stack trace are those of the source.
const { stripTypeScriptTypes } = require('node:module');

exports.process = (source) => ({ code: stripTypeScriptTypes(source) });
