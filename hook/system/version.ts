/** Replaced by the build. */
declare const __VERSION__: string | undefined;
declare const __COMMIT__: string | undefined;

const version = typeof __VERSION__ === 'string' ? __VERSION__ : '0.0.0';
const commit = typeof __COMMIT__ === 'string' ? __COMMIT__ : 'unknown';

/** `pilos-post-publish 1.0.0 (commit 0123456789ab, Node v24.21.0)` */
export const versionLine = `pilos-post-publish ${version} (commit ${commit}, Node ${process.version})`;
