/** The package's own version; a bundle carries it along. */
import packageJson from '../../package.json' with { type: 'json' };

export const skiffVersion = packageJson.version;
