/* cmd: the commands of ddb, as the table in main.c has them.  Each reads its own argv and returns an exit code. */
#ifndef DDB_CMD_H
#define DDB_CMD_H

int bench_run(int argc, char **argv);
int call_run(int argc, char **argv);
int collect_run(int argc, char **argv);                  /* ddb metrics */
int down_run(int argc, char **argv);
int env_run(int argc, char **argv);
int status_run(int argc, char **argv);
int up_run(int argc, char **argv);

#endif
