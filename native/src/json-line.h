/* Text as it stands in a json-file log line: escaping and time stamps. No state, no system calls. */
#ifndef SKIFF_JSON_LINE_H
#define SKIFF_JSON_LINE_H

#include <stddef.h>
#include <time.h>

#define JSON_GROWTH 6 /* bytes one byte of text may become: \u0001 */
#define TIME_LENGTH 30

/* Writes text as Go's encoding/json writes a string (without the quotes); bytes that are not UTF-8 become \ufffd one
 * by one. out has room for JSON_GROWTH * length + 8 bytes. Gives the end. */
char *json_escape(char *out, const char *text, size_t length);
/* The longest prefix of text that does not end inside a UTF-8 character (which text that is not UTF-8 has none of). */
size_t utf8_cut(const char *text, size_t length);
/* 2026-01-02T03:04:05.123456789Z (RFC 3339, UTC): TIME_LENGTH bytes, no NUL. */
void format_time(char *out, const struct timespec *time);

#endif
