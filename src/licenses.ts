/** Imported late, since it is long. The build puts the licences of all that is in the executable in the file's place. */
export { default as licenses } from './licenses.txt' with { type: 'text' }
