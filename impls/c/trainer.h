#ifndef TRAINER_H
#define TRAINER_H

#include "task.h"

/* One model in training. `protocol.c` serves whichever trainer it is linked with. */
typedef struct trainer trainer;

/* The task must outlive the trainer. Where this trainer cannot help with such a task: NULL, and the reason in *unsupported. */
trainer *create_trainer(const task *task, const char **unsupported);

/* Back to step 0, whose documents begin with first_document: start parameters, empty Adam moments. */
void reset_trainer(trainer *trainer, long long first_document);

/* Trains the next steps and stores the loss of each, [steps], computed before that step's update. */
void train(trainer *trainer, int steps, double *losses);

/* Copies the current parameters, in the order of task.parameters. */
void copy_parameters(const trainer *trainer, double *parameters);

/* The gradient of the next step's loss, same order; changes nothing that training sees. */
void compute_gradient(trainer *trainer, double *gradient);

#endif
